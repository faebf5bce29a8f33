import type { Load } from "./raw-load-formula.ts";
import { loadBatch, loadMeterId, loadStepSeconds, loadValue } from "./raw-load-formula.ts";

type WritePayload = (bytes: Buffer, at: number, meter: number, round: number) => number;

/** The messages of the peer pipeline: what its parsers are used to, with the values of the same formula. */
export function peerPayload(load: Load): WritePayload {
  const { form, startAt } = load;
  if (form === "peer-protobuf") return protobuf(startAt);
  const textOf = form === "peer-json" ? json : form === "peer-line" ? line : lines;
  return (bytes, at, meter, round) => at + bytes.write(textOf(startAt, meter, round), at, "latin1");
}

function valuesOf(meter: number, round: number): [number, number, number] {
  return [loadValue(meter, 0, round), loadValue(meter, 1, round), loadValue(meter, 2, round)];
}

/** `Reading { meter = 1, ts = 2, a = 3, b = 4, c = 5 }`, integers as int64. */
function protobuf(startAt: number): WritePayload {
  return (bytes, at, meter, round) => {
    const id = loadMeterId(meter);
    bytes[at] = 0x0a;
    bytes[at + 1] = id.length;
    let end = at + 2 + bytes.write(id, at + 2, "latin1");
    for (const [index, value] of [startAt + round * loadStepSeconds, ...valuesOf(meter, round)].entries()) {
      bytes[end++] = (index + 2) << 3;
      let left = value;
      while (left > 127) {
        bytes[end++] = (left % 128) | 128;
        left = Math.floor(left / 128);
      }
      bytes[end++] = left;
    }
    return end;
  };
}

function json(startAt: number, meter: number, round: number): string {
  const [a, b, c] = valuesOf(meter, round);
  return `{"meter":"${loadMeterId(meter)}","ts":${startAt + round * loadStepSeconds},"a":${a},"b":${b},"c":${c}}`;
}

function line(startAt: number, meter: number, round: number): string {
  const [a, b, c] = valuesOf(meter, round);
  return `r,m=${loadMeterId(meter)} a=${a}i,b=${b}i,c=${c}i ${startAt + round * loadStepSeconds}000000000`;
}

function lines(startAt: number, meter: number, round: number): string {
  return Array.from({ length: loadBatch }, (_, index) => {
    const k = round * loadBatch + index;
    return `r,m=${loadMeterId(meter)} a=${loadValue(meter, 0, k)}i ${startAt + k * loadStepSeconds}000000000`;
  }).join("\n");
}
