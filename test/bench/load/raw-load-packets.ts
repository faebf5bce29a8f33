import type { Load } from "./raw-load-formula.ts";
import { loadBatch, loadMeterId, loadRegisters, loadSlope, loadStepSeconds, loadValue } from "./raw-load-formula.ts";
import { peerPayload } from "./raw-load-peer.ts";

/** PUBLISH packets that lie back to back: packet i is `bytes[offsets[i] .. offsets[i + 1]]`. */
export interface PacketSlice {
  readonly first: number;
  readonly count: number;
  readonly bytes: Buffer;
  readonly offsets: Uint32Array;
}

export interface PacketSource {
  /** Messages of the lane. */
  readonly count: number;
  /**
   * The slice that begins with the lane's message `first`; `into` is a slice of this source that is not needed any
   * more.
   */
  slice(first: number, into: PacketSlice | undefined): PacketSlice;
}

export const sliceMessages = 1024;
const packetIds = 65_535;

/** The packet id of a lane's message: they repeat after 65 535, so no more may be on the way. */
export function packetIdOf(message: number): number {
  return (message % packetIds) + 1;
}

/**
 * The messages of one connection: those of the meters `lane`, `lane + lanes`, ... in order of the whole load, so that a
 * meter keeps to a connection. Encoded by hand (proto/meterbook/v1/meter_report.proto), a slice at a time.
 */
export function packetSource(load: Load, lane: number, lanes: number): PacketSource {
  const meters = Math.ceil((load.meters - lane) / lanes);
  const rest = load.messages % load.meters;
  const count = Math.floor(load.messages / load.meters) * meters + Math.max(Math.ceil((rest - lane) / lanes), 0);
  const write = packetWriter(load);
  const { firstRound = 0 } = load;
  const bytesMax = sliceMessages * packetBytesMax(load);
  return {
    count,
    slice(first, into) {
      const end = Math.min(first + sliceMessages, count);
      const bytes = into?.bytes ?? Buffer.allocUnsafeSlow(bytesMax);
      const offsets = into?.offsets ?? new Uint32Array(sliceMessages + 1);
      let at = 0;
      for (let message = first; message < end; message += 1) {
        const round = Math.floor(message / meters);
        at = write(bytes, at, lane + (message - round * meters) * lanes, firstRound + round, packetIdOf(message));
        offsets[message - first + 1] = at;
      }
      return { first, count: end - first, bytes, offsets };
    },
  };
}

type WritePacket = (bytes: Buffer, at: number, meter: number, round: number, packetId: number) => number;

function packetBytesMax({ form, registers }: Load): number {
  if (form === "peer-line-32") return 64 + loadBatch * 64;
  if (form.startsWith("peer")) return 320;
  const payload = form === "1" ? registers * 32 : form === "32-single" ? loadBatch * 32 : 32 + loadBatch * 3;
  return 64 + payload;
}

const headBytes = 3;

/**
 * Writes one PUBLISH with QoS 1; answers where it ends. The remaining length always takes two bytes, which MQTT allows.
 */
function packetWriter(load: Load): WritePacket {
  const writePayload = payloadWriter(load);
  return (bytes, at, meter, round, packetId) => {
    const start = at + headBytes;
    let end = start + 2;
    end += bytes.write(`meters/${loadMeterId(meter)}/readings`, end, "latin1");
    bytes.writeUInt16BE(end - start - 2, start);
    bytes[end++] = packetId >> 8;
    bytes[end++] = packetId & 255;
    end = writePayload(bytes, end, meter, round);
    const length = end - start;
    bytes[at] = 0x32;
    bytes[at + 1] = (length & 127) | 128;
    bytes[at + 2] = length >> 7;
    return end;
  };
}

function payloadWriter(load: Load): WritePayload {
  switch (load.form) {
    case "1":
      return singles(load);
    case "32-single":
      return list(load);
    case "32":
      return profile(load);
    default:
      return peerPayload(load);
  }
}

type WritePayload = (bytes: Buffer, at: number, meter: number, round: number) => number;

function singles({ registers, startAt }: Load): WritePayload {
  return (bytes, at, meter, round) => {
    let end = at;
    for (let register = 0; register < registers; register += 1) {
      end = writeReading(bytes, end, register, startAt + round * loadStepSeconds, loadValue(meter, register, round));
    }
    return end;
  };
}

function list({ startAt }: Load): WritePayload {
  return (bytes, at, meter, round) => {
    let end = at;
    for (let k = round * loadBatch; k < (round + 1) * loadBatch; k += 1) {
      end = writeReading(bytes, end, 0, startAt + k * loadStepSeconds, loadValue(meter, 0, k));
    }
    return end;
  };
}

/** `Reading { at = 1, register = 2, value = 3 (zigzag), unit = 4 (Wh) }` as an entry of `readings = 3`. */
function writeReading(bytes: Buffer, at: number, register: number, instant: number, value: number): number {
  bytes[at] = 0x1a;
  let end = at + 2;
  bytes[end++] = 0x08;
  end = writeVarint(bytes, end, instant);
  end = writeRegister(bytes, end, 0x12, register);
  bytes[end++] = 0x18;
  end = writeVarint(bytes, end, value * 2);
  bytes[end++] = 0x20;
  bytes[end++] = 1;
  bytes[at + 1] = end - at - 2;
  return end;
}

/**
 * `Profile { register = 1, unit = 2, start = 5, step_seconds = 6, base = 7, deltas = 8 }` as an entry of `profiles =
 * 4`.
 */
function profile({ startAt }: Load): WritePayload {
  const slope = loadSlope(0);
  return (bytes, at, meter, round) => {
    const first = round * loadBatch;
    bytes[at] = 0x22;
    const start = at + 3;
    let end = writeRegister(bytes, start, 0x0a, 0);
    bytes[end++] = 0x10;
    bytes[end++] = 1;
    bytes[end++] = 0x28;
    end = writeVarint(bytes, end, startAt + first * loadStepSeconds);
    bytes[end++] = 0x30;
    end = writeVarint(bytes, end, loadStepSeconds);
    bytes[end++] = 0x38;
    end = writeVarint(bytes, end, loadValue(meter, 0, first) * 2);
    bytes[end++] = 0x42;
    const packed = end++;
    bytes[end++] = 0;
    for (let i = 1; i < loadBatch; i += 1) end = writeVarint(bytes, end, slope * 2);
    bytes[packed] = end - packed - 1;
    bytes[at + 1] = ((end - start) & 127) | 128;
    bytes[at + 2] = (end - start) >> 7;
    return end;
  };
}

function writeRegister(bytes: Buffer, at: number, tag: number, register: number): number {
  const name = loadRegisters[register] as string;
  bytes[at] = tag;
  bytes[at + 1] = name.length;
  return at + 2 + bytes.write(name, at + 2, "latin1");
}

function writeVarint(bytes: Buffer, at: number, value: number): number {
  let left = value;
  let end = at;
  while (left > 127) {
    bytes[end++] = (left % 128) | 128;
    left = Math.floor(left / 128);
  }
  bytes[end++] = left;
  return end;
}
