import type { DeliveryFault, FleetSettings, ValueFault } from "../meters/fleet-options.ts";
import { deliveryFaults, valueFaults } from "../meters/fleet-options.ts";
import type { LocalDay, LocalDays } from "../meters/local-days.ts";
import { drawsOf, purposes, wholeBetween } from "../meters/random.ts";
import type { DueQueue } from "./due-queue.ts";
import { dueQueue } from "./due-queue.ts";

/** One report of one meter: its readings are those with `after < at <= until`, all on one local day. */
export interface Report {
  readonly meter: number;
  readonly day: LocalDay;
  readonly after: number;
  readonly until: number;
  /** Grows by one from report to report of a meter. */
  readonly sequence: number;
  readonly value: ValueFault | undefined;
}

/** A report on its way: what is published, and when on the simulated clock. */
export interface Delivery {
  readonly report: Report;
  readonly sendAt: number;
  /** `copy`: it was sent before; `altered`: and now it says something else. */
  readonly as: "original" | "copy" | "altered";
  readonly fault: DeliveryFault | undefined;
}

export type FaultCounts = Record<DeliveryFault | ValueFault, number>;

export function noFaults(): FaultCounts {
  return Object.fromEntries([...deliveryFaults, ...valueFaults].map((name) => [name, 0])) as FaultCounts;
}

export interface PlanRange {
  /** Readings from `from` to `to`, both included; with `to` infinite the plan never ends. */
  readonly from: number;
  readonly to: number;
  /** Seconds between a meter's reports. */
  readonly reportEvery: number;
  /** Sequence number of the first report; absent: reports are numbered from 2005-01-01 on, so a later run goes on. */
  readonly firstSequence?: number;
  /** By number of the meter: up to where its readings were sent before, so that they are left out. */
  readonly sentTo?: readonly number[];
}

/** What waits to be delivered, shared by plans that follow each other. */
export type HeldDeliveries = DueQueue<Delivery>;

export function heldDeliveries(): HeldDeliveries {
  return dueQueue<Delivery>();
}

/**
 * The deliveries of a fleet in order of sending, made one by one. Reports of one meter keep their order unless a fault
 * says otherwise. What is still held when the range ends is left in `held`.
 */
export function* planDeliveries(
  settings: FleetSettings,
  calendar: LocalDays,
  range: PlanRange,
  held: HeldDeliveries,
  counts: FaultCounts,
): Generator<Delivery, number> {
  let sequence = 0;
  let shift: number | undefined;
  for (const slot of slots(calendar, range)) {
    shift ??= range.firstSequence === undefined ? 0 : range.firstSequence - slot.number;
    sequence = slot.number + shift;
    for (let meter = 0; meter < settings.meters; meter += 1) {
      const after = Math.max(slot.span.after, range.sentTo?.[meter] ?? 0);
      if (after >= slot.until) continue;
      const draw = drawsOf(settings.seed, meter, purposes.delivery, slot.until);
      const fault = pick(draw(), deliveryFaults, settings);
      const value = fault === "malformed" || fault === "lost" ? undefined : pick(draw(), valueFaults, settings);
      if (fault !== undefined) counts[fault] += 1;
      if (value !== undefined) counts[value] += 1;
      const report: Report = { ...slot.span, after, meter, sequence, value };
      yield* deliver(report, fault, held, { every: range.reportEvery, draw });
    }
    yield* due(held, slot.until);
  }
  return sequence + 1;
}

/** What is held, up to an instant of the simulated clock. */
export function* due(held: HeldDeliveries, until: number): Generator<Delivery> {
  for (let next = held.take(until); next !== undefined; next = held.take(until)) yield next.thing;
}

function* deliver(
  report: Report,
  fault: DeliveryFault | undefined,
  held: HeldDeliveries,
  { every, draw }: { every: number; draw: () => number },
): Generator<Delivery> {
  if (fault === "lost") return;
  const delay = delayOf(fault, every, draw);
  const sendAt = report.until + delay;
  const delivery: Delivery = { report, sendAt, as: "original", fault };
  if (delay === 0) yield delivery;
  else held.add(sendAt, delivery);
  const again = (as: "copy" | "altered") => {
    const later = sendAt + every * wholeBetween(draw, 0, 3);
    held.add(later, { report, sendAt: later, as, fault });
  };
  if (fault === "repeated") again("copy");
  if (report.value === "conflicting") again("altered");
}

function delayOf(fault: DeliveryFault | undefined, every: number, draw: () => number): number {
  if (fault === "reordered") return every;
  if (fault === "lateHours") return wholeBetween(draw, 3600, 12 * 3600);
  if (fault === "lateDays") return wholeBetween(draw, 86_400, 10 * 86_400);
  return 0;
}

/** The one of the faults that a draw falls on. */
function pick<Name extends DeliveryFault | ValueFault>(
  drawn: number,
  names: readonly Name[],
  rates: Record<Name, number>,
): Name | undefined {
  let left = drawn;
  for (const name of names) {
    left -= rates[name];
    if (left < 0) return name;
  }
  return undefined;
}

interface Slot {
  readonly span: Pick<Report, "day" | "after" | "until">;
  readonly until: number;
  readonly number: number;
}

const dayOf2005 = 12_784;

/** The spans of the reports, every `reportEvery` seconds since local midnight and at midnight itself. */
function* slots(calendar: LocalDays, { from, to, reportEvery }: PlanRange): Generator<Slot> {
  const first = calendar.dayOf(dayOf2005);
  for (let day = calendar.dayAt(from - 1); day.start < to; day = calendar.dayOf(day.index + 1)) {
    const before =
      reportEvery === 86_400 ? day.index - first.index : Math.floor((day.start - first.start) / reportEvery);
    for (let start = day.start, i = 1; start < day.end; start += reportEvery, i += 1) {
      const after = Math.max(start, from - 1);
      const until = Math.min(start + reportEvery, day.end, to);
      if (after < until) yield { span: { day, after, until }, until, number: before + i };
      if (until === to) return;
    }
  }
}
