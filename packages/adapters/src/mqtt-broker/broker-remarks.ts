import type { IConnackPacket } from "mqtt";
import type { RemarkCode } from "./broker-events.ts";

export interface BrokerRemark {
  readonly code: RemarkCode;
  readonly detail: string;
}

/** What a broker says of itself in the topics below, which Mosquitto and a few others publish. */
export const brokerTopics = {
  version: "$SYS/broker/version",
  dropped: "$SYS/broker/publish/messages/dropped",
} as const;

/** What its CONNACK tells of a broker that may lose messages. */
export function remarksOnConnack(connack: IConnackPacket, wanted: { sessionExpirySeconds: number }): BrokerRemark[] {
  const remarks: BrokerRemark[] = [];
  const { sessionExpiryInterval, maximumQoS } = connack.properties ?? {};
  if (!connack.sessionPresent) {
    remarks.push({
      code: "session_new",
      detail:
        "the broker has no session of this client id, so what meters published until now has not been kept for it. Expected at the very first start only; " +
        "otherwise the session was lost (Mosquitto: persistence true, persistent_client_expiration) or the client id has changed",
    });
  }
  if (sessionExpiryInterval !== undefined && sessionExpiryInterval < wanted.sessionExpirySeconds) {
    remarks.push({
      code: "session_expires_early",
      detail: `the broker keeps the session for ${sessionExpiryInterval} s instead of ${wanted.sessionExpirySeconds}: raise its session expiry (Mosquitto: persistent_client_expiration), or a longer stop loses messages`,
    });
  }
  if (maximumQoS !== undefined && maximumQoS < 1) {
    remarks.push({
      code: "qos_lowered",
      detail: "the broker delivers with QoS 0 only, so nothing can be sent again: raise its maximum QoS (max_qos) to 1",
    });
  }
  return remarks;
}

/** What the broker's name and version tell, for somebody who subscribes to `filters` there. */
export function remarksOnVersion(version: string, filters: readonly string[]): BrokerRemark[] {
  if (!/mosquitto/i.test(version)) return [];
  const forgotten: BrokerRemark = {
    code: "shared_subscription_forgotten",
    detail:
      `${version.slice(0, 80)} forgets shared subscriptions ($share) when it restarts: until ingest has come back, what meters publish is acknowledged and ` +
      "dropped. Give each ingest topics of its own, or run one (docs/mqtt.md)",
  };
  return [
    ...(filters.some((filter) => filter.startsWith("$share/")) ? [forgotten] : []),
    {
      code: "acknowledges_from_memory",
      detail:
        `${version.slice(0, 80)} acknowledges meters from memory: a crash loses what came since its last save (persistence true, autosave_interval, autosave_on_changes), ` +
        "and while ingest is away it drops what is beyond max_queued_messages (1000 unless set) without a word. Set max_queued_messages to rate x longest stop, " +
        "max_inflight_messages to 65535; docs/mqtt.md has figures",
    },
  ];
}

/** Counts what the broker has dropped, from its own count; undefined when that is nothing new. */
export function droppedSince(before: number | undefined, text: string): { total: number; remark?: BrokerRemark } {
  const total = Number(text);
  if (!Number.isSafeInteger(total)) return { total: before ?? 0 };
  if (before === undefined || total <= before) return { total };
  const detail = `the broker dropped ${total - before} messages, for whichever subscriber: see max_queued_messages, max_queued_bytes, memory_limit`;
  return { total, remark: { code: "messages_dropped", detail } };
}
