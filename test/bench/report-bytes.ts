import { Buffer } from "node:buffer";

/**
 * The reports of the load, encoded by hand so that the generator costs next to nothing. They share no code with what is
 * measured; proto/meterbook/v1/meter_report.proto is the contract between both.
 *
 * Message i is of meter `i % meters` in round `floor(i / meters)`. Its readings stand 900 s apart from
 * `startAt + round * n * 900` on, n being the readings of one register in a message. Register r (1.8.0, 1.8.1, 1.8.2 are
 * 0, 1, 2) of meter m at its k-th reading since `startAt` has `(1 000 000 + 7 m + 250 k) (r + 1)` Wh.
 */
export interface LoadShape {
  readonly meters: number;
  readonly readingsPerMessage: "1" | "32" | "32-single";
  /** Seconds UTC. */
  readonly startAt: number;
}

export const stepSeconds = 900;
const registers = ["1.8.0", "1.8.1", "1.8.2"].map((name) => [...Buffer.from(name)]);
const readingsOfBatch = 32;

export function reportOf(shape: LoadShape, message: number): number[] {
  const meter = message % shape.meters;
  const round = Math.floor(message / shape.meters);
  const out: number[] = [];
  if (shape.readingsPerMessage === "1") {
    for (let register = 0; register < 3; register += 1) single(out, shape, meter, register, round);
  } else if (shape.readingsPerMessage === "32-single") {
    for (let i = 0; i < readingsOfBatch; i += 1) single(out, shape, meter, 0, round * readingsOfBatch + i);
  } else profile(out, shape, meter, round * readingsOfBatch);
  return out;
}

/** Watt-hours of a register at its k-th reading. */
export function valueOf(meter: number, register: number, k: number): number {
  return (1_000_000 + 7 * meter + 250 * k) * (register + 1);
}

function single(out: number[], { startAt }: LoadShape, meter: number, register: number, k: number): void {
  const body = [0x08];
  varint(body, startAt + k * stepSeconds);
  const name = registers[register] as number[];
  body.push(0x12, name.length, ...name, 0x18);
  varint(body, 2 * valueOf(meter, register, k));
  body.push(0x20, 1);
  out.push(0x1a);
  varint(out, body.length);
  out.push(...body);
}

function profile(out: number[], { startAt }: LoadShape, meter: number, first: number): void {
  const name = registers[0] as number[];
  const body = [0x0a, name.length, ...name, 0x10, 1, 0x28];
  varint(body, startAt + first * stepSeconds);
  body.push(0x30);
  varint(body, stepSeconds);
  body.push(0x38);
  varint(body, 2 * valueOf(meter, 0, first));
  const deltas: number[] = [0];
  for (let i = 1; i < readingsOfBatch; i += 1) varint(deltas, 2 * 250);
  body.push(0x42);
  varint(body, deltas.length);
  body.push(...deltas);
  out.push(0x22);
  varint(out, body.length);
  out.push(...body);
}

export function varint(out: number[], value: number): void {
  let rest = value;
  while (rest > 127) {
    out.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
}
