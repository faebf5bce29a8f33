import type { TlsContent } from "../certificates/tls-files.ts";
import type { MessageEvents } from "../mqtt-messages/message-events.ts";

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
export interface EndpointEvents extends MessageEvents {
  connectionOpened(facts: { readonly clientId: string }): void;
  connectionClosed(facts: { readonly clientId: string; readonly reason: CloseReason }): void;
  connectionRefused(facts: { readonly reason: RefusalReason }): void;
  /** A message came with the retain flag: it was taken like any other, and nothing is retained. */
  retainIgnored(facts: { readonly clientId: string }): void;
  /** A CONNECT came with a will: the connection is opened, the will is never published. */
  willIgnored(facts: { readonly clientId: string }): void;
  /** Certificates or identities are in use from now on: at the start, and when they were renewed. */
  filesTaken(facts: { readonly settings: WatchedSettings; readonly content?: TlsContent }): void;
  /** They were renewed with something that cannot be used; those before stay. */
  filesFailed(facts: { readonly settings: WatchedSettings; readonly error: unknown }): void;
  subscriptionRefused(facts: { readonly clientId: string; readonly topic: string }): void;
}
