import { isUtf8 } from "node:buffer";
import { packetType } from "./packet-scanner.ts";

/**
 * What the CONNECT decides about a connection: `malformed` closes it; a number is sent as the return code of the
 * CONNACK, and then it is closed.
 */
export type ConnectVerdict = "fit" | "malformed" | 1 | 2;

const unacceptableLevel = 1;
const identifierRejected = 2;
/** MQTT 3.1.1, and MQTT 3.1, which names itself otherwise. */
const levels: ReadonlyMap<string | undefined, number> = new Map([
  ["MQTT", 4],
  ["MQIsdp", 3],
]);
const bit = { reserved: 1, clean: 2, will: 4, willQos: 0x18, willRetain: 0x20, password: 0x40, username: 0x80 };

/** What MQTT 3.1.1 section 3.1 says of a CONNECT; the session broker is more generous than that. */
export function judgeConnect(packet: Buffer): ConnectVerdict {
  const read = fieldReader(packet);
  if (packet[0] !== packetType.connect << 4) return "malformed";
  const level = levels.get(read.text());
  if (level === undefined) return "malformed";
  if (read.byte() !== level) return read.failed() ? "malformed" : unacceptableLevel;
  const flags = read.byte();
  read.skip(2);
  if (read.failed() || !areFlagsFit(flags)) return "malformed";
  const clientId = read.text();
  if (read.failed()) return "malformed";
  if (clientId === undefined) return identifierRejected;
  if ((flags & bit.will) !== 0 && (!isTopic(read.text()) || read.bytes() === undefined)) return "malformed";
  if ((flags & bit.username) !== 0 && read.text() === undefined) return "malformed";
  if ((flags & bit.password) !== 0) read.bytes();
  if (read.failed() || read.left() > 0) return "malformed";
  return clientId === "" && (flags & bit.clean) === 0 ? identifierRejected : "fit";
}

function areFlagsFit(flags: number): boolean {
  const willQos = flags & bit.willQos;
  if ((flags & bit.reserved) !== 0 || willQos === bit.willQos) return false;
  if ((flags & bit.will) === 0 && (willQos !== 0 || (flags & bit.willRetain) !== 0)) return false;
  return (flags & bit.password) === 0 || (flags & bit.username) !== 0;
}

function isTopic(text: string | undefined): boolean {
  return text !== undefined && text !== "" && !/[+#]/.test(text);
}

/** Whether a client may send this packet on an open connection, and it has the form that MQTT 3.1.1 gives it. */
export function isControlPacketFit(packet: Buffer): boolean {
  const read = fieldReader(packet);
  switch (packet[0]) {
    case 0xc0: // PINGREQ
    case 0xe0: // DISCONNECT
      return read.left() === 0;
    case 0x40: // PUBACK, PUBREC, PUBCOMP: for what was asked of the meter
    case 0x50:
    case 0x70:
      return read.left() === 2;
    case 0x82:
      return areFiltersFit(read, "with QoS");
    case 0xa2:
      return areFiltersFit(read, "alone");
    default:
      return false;
  }
}

function areFiltersFit(read: FieldReader, form: "with QoS" | "alone"): boolean {
  if (read.number() === 0 || read.left() === 0) return false;
  while (read.left() > 0 && !read.failed()) {
    if ((read.text() ?? "") === "") return false;
    if (form === "with QoS" && read.byte() > 2) return false;
  }
  return !read.failed();
}

interface FieldReader {
  byte(): number;
  number(): number;
  skip(bytes: number): void;
  bytes(): Buffer | undefined;
  /** Undefined where it is not UTF-8 or holds a NUL. */
  text(): string | undefined;
  left(): number;
  /** The packet ended before a field that was asked for. */
  failed(): boolean;
}

/** Over the body of a whole packet. */
function fieldReader(packet: Buffer): FieldReader {
  let at = 2;
  while (((packet[at - 1] ?? 0) & 128) !== 0) at += 1;
  let failed = false;

  function take(bytes: number): Buffer {
    failed ||= at + bytes > packet.length;
    const taken = packet.subarray(at, failed ? at : at + bytes);
    at += taken.length;
    return taken;
  }
  function number(): number {
    const taken = take(2);
    return failed ? 0 : taken.readUInt16BE();
  }
  function bytes(): Buffer | undefined {
    const taken = take(number());
    return failed ? undefined : taken;
  }
  return {
    byte: () => take(1)[0] ?? 0,
    number,
    skip: (count) => void take(count),
    bytes,
    text() {
      const taken = bytes();
      return taken === undefined || !isUtf8(taken) || taken.includes(0) ? undefined : taken.toString();
    },
    left: () => packet.length - at,
    failed: () => failed,
  };
}
