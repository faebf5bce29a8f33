/** Who speaks to the endpoint, where it knows: a meter, or a concentrator for some. */
export interface Sender {
  readonly name: string;
  speaksFor(meterId: string): boolean;
}

/** One message of a meter, as it came. */
export interface MeterMessage {
  readonly topic: string;
  /** May alias the network buffer: valid until the handler's promise settles. */
  readonly payload: Uint8Array;
  readonly receivedAtMs: number;
  /** The MQTT client that sent it: a meter, or a concentrator for many. */
  readonly clientId: string;
  /** Absent where the endpoint does not ask who it is, or a broker stands between. */
  readonly sender?: Sender | undefined;
}

/**
 * Resolves once the message is safe (in the readings log or in the rejected log). Rejects when it could not be
 * kept: the endpoint then sends no PUBACK and the meter sends the message again.
 */
export type TakeMessage = (message: MeterMessage) => Promise<void>;

/** What a meter is asked, in the forms in which it may be asked. */
export interface MeterRequest {
  readonly meterId: string;
  readonly json: Uint8Array;
  readonly protobuf: Uint8Array;
}

/** `nobody` listens for what the meter is asked; `away`: there is no way to it just now. */
export type AskOutcome = "sent" | "nobody" | "away";

/**
 * Where meters report. Promises of every adapter (test/contracts/meter-endpoint.contract.ts):
 * - a QoS 1 message is acknowledged after `take` has resolved for it, never before, and not at all when it rejects;
 * - messages of one connection are taken in the order in which they came, and acknowledged in that order;
 * - a connection that sends faster than its messages are taken is slowed down, not buffered without limit;
 * - `ask` hands a request to whoever listens for what the meter is asked, and holds up nobody: where a meter reads
 *   slowly its connection ends. It is not told whether the meter has understood;
 * - `close` takes no new messages, waits for those in flight, acknowledges them and then hangs up.
 */
export interface MeterEndpoint {
  /** `host:port` where meters reach it. */
  readonly address: string;
  /** Whether a request waits here for a meter that listens later. Else the meter must be asked when it begins to. */
  readonly keepsRequests: boolean;
  ask(request: MeterRequest): Promise<AskOutcome>;
  /** Forgets the request that waits here for the meter. */
  withdraw(meterId: string): Promise<"done" | "away">;
  close(): Promise<void>;
}
