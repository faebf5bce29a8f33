import { isUtf8 } from "node:buffer";

/** A PUBLISH as far as the endpoint looks at it. */
export interface PublishPacket {
  readonly topic: string;
  /** Aliases the bytes it was read from. */
  readonly payload: Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** 0 where QoS is 0. */
  readonly packetId: number;
}

/** What no topic of a PUBLISH may hold (MQTT 3.1.1, 1.5.3 and 3.3.2), and what undecodable bytes decode to. */
const wildcard = /[+#]/;
const nul = "\u0000";
const undecodable = "\uFFFD";

/**
 * Reads the PUBLISH in `bytes`: its first byte is `flags`, its body lies in [bodyAt, end). Undefined when it is not
 * what MQTT 3.1.1 allows.
 */
export function readPublish(bytes: Buffer, flags: number, bodyAt: number, end: number): PublishPacket | undefined {
  const qos = (flags >> 1) & 3;
  const topicAt = bodyAt + 2;
  if (qos === 3 || topicAt > end) return undefined;
  const topicEnd = topicAt + bytes.readUInt16BE(bodyAt);
  const payloadAt = qos === 0 ? topicEnd : topicEnd + 2;
  if (payloadAt > end || topicEnd === topicAt) return undefined;
  const topic = bytes.toString("utf8", topicAt, topicEnd);
  if (wildcard.test(topic) || topic.includes(nul)) return undefined;
  if (topic.includes(undecodable) && !isUtf8(bytes.subarray(topicAt, topicEnd))) return undefined;
  const packetId = qos === 0 ? 0 : bytes.readUInt16BE(topicEnd);
  if (qos !== 0 && packetId === 0) return undefined;
  return { topic, payload: bytes.subarray(payloadAt, end), qos: qos as 0 | 1 | 2, retain: (flags & 1) === 1, packetId };
}
