import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { z } from "zod";

/** What was sent for one register of one meter, in columns and in order of sending. */
export interface SentSeries {
  readonly unit: string;
  readonly at: number[];
  readonly value: number[];
  readonly message: number[];
  /** Bit 0: flagged as estimated; bit 1: not what the meter counted. */
  readonly flags: number[];
}

export const flagEstimated = 1;
export const flagWrong = 2;

export interface MeterTruth {
  readonly meterId: string;
  skewSeconds: number;
  readonly registers: Map<string, SentSeries>;
  /** The true registers at each month's end, by period `YYYY-MM`. */
  readonly boundaries: Map<string, { readonly at: number; readonly registers: Readonly<Record<string, number>> }>;
}

/** The whole of a truth file. Messages are numbered from 1 in order of sending. */
export interface Truth {
  readonly zone: string;
  readonly meters: Map<string, MeterTruth>;
  /** How many readings each message held; -1 where it had to be refused. */
  readonly readingsOf: Map<number, number>;
  readonly acknowledged: Set<number>;
  /** How often a message left again. */
  readonly resent: Map<number, number>;
  readonly faults: Map<string, number>;
  /** The end was written: nothing is missing from the file. */
  ended: boolean;
}

const whole = z.int();
const line = z.discriminatedUnion("type", [
  z.object({ type: z.literal("fleet"), version: z.literal(1), zone: z.string() }),
  z.object({ type: z.literal("meter"), meter: z.string(), skewSeconds: whole }),
  z.object({
    type: z.literal("boundary"),
    meter: z.string(),
    period: z.string(),
    at: whole,
    registers: z.record(z.string(), whole),
  }),
  z.object({
    type: z.literal("message"),
    message: whole,
    meter: z.string(),
    as: z.string(),
    fault: z.string().optional(),
    value: z.string().optional(),
    series: z.array(
      z.object({
        register: z.string(),
        unit: z.string(),
        at: z.array(whole),
        values: z.array(whole),
        estimated: z.tuple([whole, whole]).optional(),
        wrong: whole.optional(),
      }),
    ),
  }),
  z.object({ type: z.literal("resent"), message: whole }),
  z.object({ type: z.literal("acknowledged"), ranges: z.array(z.tuple([whole, whole])) }),
  z.object({ type: z.literal("end") }),
]);
type Line = z.infer<typeof line>;
type MessageLine = Extract<Line, { type: "message" }>;

/** @throws Error that names the line which is not as it should be */
export async function readTruth(path: string): Promise<Truth> {
  const truth: Truth = {
    zone: "UTC",
    meters: new Map(),
    readingsOf: new Map(),
    acknowledged: new Set(),
    resent: new Map(),
    faults: new Map(),
    ended: false,
  };
  let zone: string | undefined;
  let number = 0;
  let unread: string | undefined;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    // Only the last line may be cut off: the fleet was killed while it wrote.
    if (unread !== undefined) throw new Error(unread);
    number += 1;
    const read = line.safeParse(parsed(text));
    if (!read.success) unread = `${path}:${number} is not a line of a truth file: ${z.prettifyError(read.error)}`;
    else if (read.data.type === "fleet") zone = read.data.zone;
    else takeLine(truth, read.data);
  }
  if (zone === undefined) throw new Error(`${path} is not a truth file: its first line must be of the type "fleet"`);
  return { ...truth, zone };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function takeLine(truth: Truth, of: Exclude<Line, { type: "fleet" }>): void {
  if (of.type === "meter") meterOf(truth, of.meter).skewSeconds = of.skewSeconds;
  else if (of.type === "boundary")
    meterOf(truth, of.meter).boundaries.set(of.period, { at: of.at, registers: of.registers });
  else if (of.type === "message") takeMessage(truth, of);
  else if (of.type === "resent") add(truth.resent, of.message);
  else if (of.type === "end") truth.ended = true;
  else for (const [first, last] of of.ranges) for (let n = first; n <= last; n += 1) truth.acknowledged.add(n);
}

function takeMessage(truth: Truth, { message, meter: meterId, fault, value, as, series }: MessageLine): void {
  const meter = meterOf(truth, meterId);
  for (const tag of as === "original" ? [fault, value] : [as]) if (tag !== undefined) add(truth.faults, tag);
  if (fault === "malformed") {
    truth.readingsOf.set(message, -1);
    return;
  }
  let readings = 0;
  for (const one of series) {
    const sent = meter.registers.get(one.register) ?? { unit: one.unit, at: [], value: [], message: [], flags: [] };
    meter.registers.set(one.register, sent);
    const [first, count] = one.estimated ?? [0, 0];
    one.at.forEach((at, i) => {
      sent.at.push(at);
      sent.value.push(one.values[i] as number);
      sent.message.push(message);
      sent.flags.push((i >= first && i < first + count ? flagEstimated : 0) | (i === one.wrong ? flagWrong : 0));
    });
    readings += one.at.length;
  }
  truth.readingsOf.set(message, readings);
}

function meterOf(truth: Truth, meterId: string): MeterTruth {
  const known = truth.meters.get(meterId) ?? { meterId, skewSeconds: 0, registers: new Map(), boundaries: new Map() };
  truth.meters.set(meterId, known);
  return known;
}

function add<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** One reading that was sent. */
export interface Sent {
  readonly at: number;
  readonly value: number;
  readonly message: number;
  readonly flags: number;
}

/** What was sent for each instant, in order of sending. */
export function sentByInstant({ at, value, message, flags }: SentSeries): Map<number, Sent[]> {
  const byInstant = new Map<number, Sent[]>();
  at.forEach((instant, i) => {
    const one = { at: instant, value: value[i] as number, message: message[i] as number, flags: flags[i] as number };
    const there = byInstant.get(instant);
    if (there === undefined) byInstant.set(instant, [one]);
    else there.push(one);
  });
  return byInstant;
}
