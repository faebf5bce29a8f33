import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "@meterbook/core/ports/clock";
import type { Sender, TakeMessage } from "@meterbook/core/ports/meter-endpoint";
import type { FairTurns } from "../bounds/fair-turns.ts";
import type { InboundBudget } from "../bounds/inbound-budget.ts";
import type { PartialBudget } from "../bounds/partial-budget.ts";
import type { CloseReason, Dismissal, EndpointEvents } from "../endpoint-events.ts";
import type { RequestListeners } from "./request-listeners.ts";
import type { Connecting, Refusal, SessionOwner } from "./session-broker.ts";

/** By what it showed at the handshake and said in its CONNECT. */
export type Identify = (socket: Socket, said: Pick<Connecting, "username" | "password">) => Sender | Refusal;

/** What the connections of an endpoint share. */
export interface ConnectionContext {
  readonly packetBytesMax: number;
  readonly inFlightMessagesMax: number;
  /** Of one connection. */
  readonly inFlightBytesEachMax: number;
  readonly connectTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly clock: Clock;
  readonly events: EndpointEvents;
  readonly budget: InboundBudget;
  /** Whose turn it is to be read from. */
  readonly turns: FairTurns;
  readonly partials: PartialBudget<MqttConnection>;
  readonly listeners: RequestListeners;
  /** Beside the time that a slow line needs, how long a packet may take from its first byte to its last. */
  readonly packetMs: number;
  readonly take: TakeMessage;
  /** Who a client is; undefined where nobody asks. */
  readonly identify: Identify | undefined;
  /** Monotonic: when somebody sets the clock, no connection is too old. */
  nowMs(): number;
  /** Gives the stream behind a connection to the session broker. */
  handOver(session: Duplex, connection: MqttConnection): void;
  /** Calls `flush` soon, together with those of other connections. */
  flushSoon(connection: MqttConnection): void;
  /** The connection takes the client id over from the one that had it. */
  identified(clientId: string, connection: MqttConnection): void;
  /** `take` has resolved or rejected. */
  settled(outcome: "kept" | "failed" | "held"): void;
  /** How long a connection whose message was not kept is held before it is closed. */
  holdBackMs(): number;
  /** Likewise, where others' messages are kept and its own has no room. */
  slowDownMs(): number;
  gone(connection: MqttConnection): void;
}

/** Between one meter's socket and the endpoint. Times are monotonic milliseconds. */
export interface MqttConnection extends SessionOwner {
  /** Writes the acknowledgements that are due. */
  flush(nowMs: number): void;
  /** Looks whether something has taken too long. */
  sweep(nowMs: number): void;
  /** Sends it away where `judge` finds that it would not be let in now. */
  recheck(judge: (socket: Socket, sender: Sender | undefined) => Dismissal | undefined): void;
  /** The room for all in flight has changed. */
  roomChanged(): void;
  /** Takes nothing more; hangs up once all that was taken is acknowledged. */
  leave(reason: CloseReason): void;
  /** Its packet has begun long ago, and there is no room for it. */
  cutOff(): void;
  /** Somebody else connects with the same client id. */
  takenOver(): void;
  destroy(): void;
}
