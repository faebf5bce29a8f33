import type { MessageEvents } from "../mqtt-messages/message-events.ts";

/** What is to be known of a broker that meters report to. A closed list: it becomes a metric label. */
export type RemarkCode =
  | "acknowledges_from_memory"
  | "shared_subscription_forgotten"
  | "session_new"
  | "session_expires_early"
  | "qos_lowered"
  | "client_id_shared"
  | "messages_dropped";

/** Why the connection to the broker is gone. A closed list: it becomes a metric label. */
export type LinkEnd = "closed_by_us" | "hung_up" | "taken_over" | "refused" | "unreachable" | "message_not_kept";

/** What an operator sees of a broker as the source of messages. Handlers return at once, except `packetTooLarge`. */
export interface BrokerEvents extends MessageEvents {
  brokerConnected(facts: { readonly sessionPresent: boolean }): void;
  /** Another attempt follows after `retryMs`, without end, unless the reason is `closed_by_us`. */
  brokerLost(facts: { readonly reason: LinkEnd; readonly detail: string; readonly retryMs: number }): void;
  /** Something of the broker loses messages, or may. */
  brokerRemarked(facts: { readonly code: RemarkCode; readonly detail: string }): void;
  /** A retained message that came once more because of a subscription: acknowledged and not taken again. */
  retainedRepeated(): void;
}
