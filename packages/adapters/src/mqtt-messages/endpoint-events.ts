import type { AdapterErrorCode } from "@meterbook/core/ports/adapter-error";
import type { Sender } from "@meterbook/core/ports/meter-endpoint";
import type { TlsContent } from "../certificates/tls-files.ts";

/** Why a connection that was never opened is gone. A closed list: it becomes a metric label. */
export type RefusalReason =
  | "connections_max"
  | "accept_failed"
  | "connect_timeout"
  | "tls_failed"
  | "certificate_missing"
  | "certificate_expired"
  | "certificate_revoked"
  | "certificate_refused"
  | "revocation_list_ended"
  | "bad_credentials"
  | "not_authorised"
  | "not_mqtt"
  | "protocol_version"
  | "client_id"
  | "hung_up"
  | "closing";

/** Why an open connection is gone. A closed list: it becomes a metric label. */
export type CloseReason =
  | "disconnected"
  | "hung_up"
  | "taken_over"
  | "keepalive_timeout"
  | "not_reading"
  | "packet_stalled"
  | "packet_too_large"
  | "partial_packets"
  | "packet_malformed"
  | "qos2_unreleased"
  | "message_not_kept"
  | "rejected_full"
  | "session_failed"
  | Dismissal
  | "endpoint_closed";

/** Why a client that was let in would not be let in now. */
export type Dismissal = "certificate_revoked" | "certificate_refused" | "identity_changed";

/** How the settings begin whose files were read. */
export type WatchedSettings = "METERBOOK_MQTT_TLS_" | "METERBOOK_MQTT_IDENTITIES_FILE";

/** What an operator sees of the MQTT endpoint. Handlers return at once, except `packetTooLarge`. */
export interface EndpointEvents {
  connectionOpened(facts: { readonly clientId: string }): void;
  connectionClosed(facts: { readonly clientId: string; readonly reason: CloseReason }): void;
  connectionRefused(facts: { readonly reason: RefusalReason }): void;
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
  /** A message came with the retain flag: it was taken like any other, and nothing is retained. */
  retainIgnored(facts: { readonly clientId: string }): void;
  /** A CONNECT came with a will: the connection is opened, the will is never published. */
  willIgnored(facts: { readonly clientId: string }): void;
  /** Certificates or identities are in use from now on: at the start, and when they were renewed. */
  filesTaken(facts: { readonly settings: WatchedSettings; readonly content?: TlsContent }): void;
  /** They were renewed with something that cannot be used; those before stay. */
  filesFailed(facts: { readonly settings: WatchedSettings; readonly error: unknown }): void;
  subscriptionRefused(facts: { readonly clientId: string; readonly topic: string }): void;
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
