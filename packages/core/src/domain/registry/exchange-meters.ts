import { begins, ends, installationsOf, newestOf, overlaps, withInstallations } from "./installations.ts";
import type { Installation, InstallationEvent, MeterRecord, RegisteredRegister } from "./meter-record.ts";

/** One meter leaves a usage point and another takes its place, at one instant. Either may be absent. */
export interface MeterExchange {
  readonly usagePointId: string;
  /** Seconds UTC. */
  readonly at: number;
  readonly removed?: ExchangedMeter | undefined;
  readonly installed?: ExchangedMeter | undefined;
}

export interface ExchangedMeter {
  readonly meterId: string;
  /** Register to its value in base units at that moment; what is absent is not known. */
  readonly values: Readonly<Record<string, number>>;
  /** Of a meter that was not known, or has other registers now. */
  readonly registers?: readonly RegisteredRegister[] | undefined;
}

/** What is wrong, and with which field of the exchange. */
export interface ExchangeFault {
  readonly field: string;
  readonly message: string;
}

export type ExchangeResult =
  | { readonly meters: readonly MeterRecord[] }
  | { readonly faults: readonly [ExchangeFault, ...ExchangeFault[]] };

/**
 * The records of both meters after the exchange. The same exchange again gives the same records.
 *
 * @param atPoint records of all meters that are or were at the point, or that the exchange names
 * @param instantText how an instant is written in a message
 */
export function exchangeMeters(
  exchange: MeterExchange,
  atPoint: readonly MeterRecord[],
  instantText: (at: number) => string,
): ExchangeResult {
  const known = new Map(atPoint.map((record) => [record.meterId, record]));
  const world: World = { exchange, known, instantText };
  const left = exchange.removed === undefined ? undefined : leave(world, exchange.removed);
  if (left !== undefined && "faults" in left) return left;
  if (left !== undefined) known.set(left.record.meterId, left.record);
  const came = exchange.installed === undefined ? undefined : arrive(world, exchange.installed);
  if (came !== undefined && "faults" in came) return came;
  return { meters: [left, came].flatMap((one) => one?.record ?? []) };
}

interface World {
  readonly exchange: MeterExchange;
  readonly known: Map<string, MeterRecord>;
  readonly instantText: (at: number) => string;
}

type Step = { readonly record: MeterRecord } | { readonly faults: readonly [ExchangeFault, ...ExchangeFault[]] };

function fault(field: string, message: string): Step {
  return { faults: [{ field, message }] };
}

/** The meter that is taken away. */
function leave(world: World, { meterId, values, registers }: ExchangedMeter): Step {
  const { exchange, known, instantText } = world;
  const { at, usagePointId } = exchange;
  const record = withRegisters(known.get(meterId) ?? { meterId, usagePointId, registers: [] }, registers);
  const installations = installationsOf(record);
  // Also where it left at this very instant, so that the same exchange can be sent again.
  const index = installations.findLastIndex((one) => one.usagePointId === usagePointId && begins(one) < at);
  const installation = installations[index];
  if (installation === undefined) {
    const where = installations.findLast((one) => begins(one) < at);
    const place = where === undefined ? "nowhere" : `at ${where.usagePointId}`;
    return fault("removed.meterId", `${meterId} is not at ${usagePointId} before ${instantText(at)}; it is ${place}`);
  }
  if (ends(installation) < at)
    return fault("removed.meterId", `${meterId} left ${usagePointId} at ${instantText(ends(installation))} already`);
  const later = installations[index + 1];
  if (later !== undefined && begins(later) < at)
    return fault("at", `${meterId} is at ${later.usagePointId} from ${instantText(begins(later))} on`);
  const left = withEnd(record, index, { at, values: valuesAfter(installation.removed, at, values) });
  // Of one that nobody knew nobody knows since when it was there either.
  return known.has(meterId) ? { record: left } : checkPoint(world, "removed.meterId", left, newestOf(left));
}

/** The meter that is put in. */
function arrive(world: World, { meterId, values, registers }: ExchangedMeter): Step {
  const { exchange, known } = world;
  const { at, usagePointId } = exchange;
  const found = known.get(meterId);
  const record = withRegisters(found ?? { meterId, usagePointId, registers: [] }, registers);
  const fresh: Installation = { usagePointId, installed: { at, values } };
  if (found === undefined) return checkPoint(world, "removed", withInstallations(record, [fresh]), fresh);
  const installations = installationsOf(record);
  const index = installations.findIndex((one) => one.usagePointId === usagePointId && begins(one) === at);
  const same = installations[index];
  if (same !== undefined) {
    const began = { ...same, installed: { at, values: valuesAfter(same.installed, at, values) } };
    return checkPoint(world, "removed", withInstallations(record, installations.with(index, began)), began);
  }
  // A record that says of its place no more than that the meter is somewhere: now it is said since when.
  const rest = installations.filter((one) => one.installed !== undefined || one.removed !== undefined);
  const clash = rest.find((one) => overlaps(one, fresh));
  if (clash !== undefined) return fault("installed.meterId", `${meterId} is ${spanText(world, clash)}`);
  const all = [...rest, fresh].sort((a, b) => begins(a) - begins(b));
  return checkPoint(world, "removed", withInstallations(record, all), fresh);
}

/** Another meter that is at the same place at the same time and counts the same; undefined where there is none. */
export function meterBeside(record: MeterRecord, atPoint: readonly MeterRecord[]): MeterRecord | undefined {
  const placed = newestOf(record);
  return atPoint.find(
    (other) =>
      other.meterId !== record.meterId &&
      sharesRegister(other, record) &&
      installationsOf(other).some((one) => one.usagePointId === placed.usagePointId && overlaps(one, placed)),
  );
}

/** At one place one register counts once. */
function checkPoint(world: World, field: string, record: MeterRecord, fresh: Installation): Step {
  const { exchange, known, instantText } = world;
  for (const other of known.values()) {
    if (other.meterId === record.meterId) continue;
    const clash = installationsOf(other).find(
      (one) => one.usagePointId === exchange.usagePointId && overlaps(one, fresh) && sharesRegister(other, record),
    );
    if (clash === undefined) continue;
    const since = clash.installed === undefined ? "" : ` since ${instantText(clash.installed.at)}`;
    const until = clash.removed === undefined ? "" : ` until ${instantText(clash.removed.at)}`;
    const detail = `${other.meterId} is at ${exchange.usagePointId}${since}${until} and counts the same registers`;
    return fault(field, `${detail} as ${record.meterId}`);
  }
  return { record };
}

/** Registers that nobody has named may be any. */
function sharesRegister(a: MeterRecord, b: MeterRecord): boolean {
  if (a.registers.length === 0 || b.registers.length === 0) return true;
  return a.registers.some(({ register }) => b.registers.some((other) => other.register === register));
}

function spanText({ instantText }: World, one: Installation): string {
  const from = one.installed === undefined ? "" : ` from ${instantText(one.installed.at)} on`;
  const to = one.removed === undefined ? "" : ` until ${instantText(one.removed.at)}`;
  return `at ${one.usagePointId}${from}${to}`;
}

function withRegisters(record: MeterRecord, registers: readonly RegisteredRegister[] | undefined): MeterRecord {
  return registers === undefined ? record : { ...record, registers };
}

function withEnd(record: MeterRecord, index: number, removed: InstallationEvent): MeterRecord {
  const installations = installationsOf(record).map((one, i) => (i === index ? { ...one, removed } : one));
  return withInstallations(record, installations);
}

/** An exchange that is sent again may know more values than before, and takes none away. */
function valuesAfter(
  before: InstallationEvent | undefined,
  at: number,
  values: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  return before?.at === at ? { ...before.values, ...values } : values;
}
