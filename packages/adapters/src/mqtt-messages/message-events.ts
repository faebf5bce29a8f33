import type { AdapterErrorCode } from "@meterbook/core/ports/adapter-error";
import type { Sender } from "@meterbook/core/ports/meter-endpoint";

/**
 * What becomes of messages, whether meters are connected to us or to a broker. Handlers return at once, except
 * `packetTooLarge`.
 */
export interface MessageEvents {
  /**
   * `take` has resolved for them and their acknowledgements are written. One event for all that one write
   * acknowledges, because an event per message would cost as much as the message. `waitedMs`: the longest of them.
   */
  messagesTaken(facts: { readonly counts: TakenCounts; readonly bytes: number; readonly waitedMs: number }): void;
  /** `take` has rejected: not acknowledged, the connection is held back and then closed. */
  messageFailed(facts: {
    readonly clientId: string;
    readonly code: AdapterErrorCode | "bug";
    readonly error: unknown;
  }): void;
  /** A connection is not read from until what it has sent is taken. */
  readingPaused(facts: { readonly reason: "messages_max" | "bytes_max" }): void;
  /**
   * A message was cut off. Awaited before it is acknowledged and the connection closed; when it rejects there is no
   * acknowledgement.
   */
  packetTooLarge(facts: PacketTooLarge): Promise<void>;
}

/** Messages by their quality of service. */
export interface TakenCounts {
  readonly qos0: number;
  readonly qos1: number;
  readonly qos2: number;
}

export interface PacketTooLarge {
  readonly clientId: string;
  /** Absent where the endpoint does not ask who it is, or a broker stands between. */
  readonly sender?: Sender | undefined;
  readonly topic: string;
  /** Of the whole packet, as its header says. */
  readonly declaredBytes: number;
  /** The beginning of the payload, at most 4 KiB. */
  readonly firstBytes: Uint8Array;
}
