import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { isVoid, snapshotId } from "@meterbook/core/domain/snapshot/snapshot";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { RegistryChange } from "@meterbook/core/ports/registry";
import { type MemoryLog, memoryLog } from "./memory-log.ts";
import { walkZone } from "./walked-aggregator.ts";

/** Record by record. */
export function compare(walked: readonly Snapshot[], straight: readonly Snapshot[]): void {
  const said = (all: readonly Snapshot[]) => new Map(all.map((one) => [snapshotId(one), JSON.stringify(one)]));
  differ("revisions", said(walked), said(straight));
}

/** What stands in the end does not depend on when it was issued, by the content that a hash covers. */
export function compareLatest(walked: readonly Snapshot[], atOnce: readonly Snapshot[]): void {
  const said = (all: readonly Snapshot[]) => {
    const latest = new Map<string, Snapshot>();
    for (const one of all.toSorted((a, b) => a.revision - b.revision)) latest.set(`${one.meterId} ${one.period}`, one);
    // A month that was taken back is as one that never was.
    return new Map([...latest].filter(([, one]) => !isVoid(one)).map(([month, { hash }]) => [month, hash]));
  };
  differ("months", said(walked), said(atOnce));
}

function differ(what: string, walked: ReadonlyMap<string, string>, right: ReadonlyMap<string, string>): void {
  const wrong = [...new Set([...walked.keys(), ...right.keys()])].filter((id) => walked.get(id) !== right.get(id));
  const [id] = wrong.sort();
  if (id === undefined) return;
  throw new Error(
    `${wrong.length} ${what} differ, the first is ${id}:\n  walked ${walked.get(id)}\n  right  ${right.get(id)}`,
  );
}

/** The month of an instant, where walks are at home. */
export function periodOf(ms: number): number {
  return localCalendar(walkZone).periodOf(ms / 1000);
}

/** The end of a partition's log, as its barriers say. */
interface LogEnd {
  readonly timeMs: number;
  readonly registry: number;
}

function endOf(log: MemoryLog, partition: number): LogEnd {
  const barriers = log.frames(partition).flatMap(({ barrier }) => barrier ?? []);
  const last = (values: readonly number[]) => Math.max(0, ...values);
  return { timeMs: last(barriers.map(({ atMs }) => atMs)), registry: last(barriers.map(({ registry }) => registry)) };
}

const aheadOfLogMsMax = 5 * 60_000;

/** Log time at each barrier of a partition: it never stands, and no writer's clock takes it far ahead of the log. */
export function barrierTimes(
  log: MemoryLog,
  partition: number,
): { readonly atMs: number; readonly isClose: boolean }[] {
  let atMs = 0;
  return log.frames(partition).flatMap(({ barrier, appendedAtMs }) => {
    if (barrier === undefined) return [];
    atMs = Math.max(atMs + 1, Math.min(barrier.atMs, appendedAtMs + aheadOfLogMsMax));
    return [{ atMs, isClose: barrier.closeId !== null }];
  });
}

/** The same reports, and then one barrier that says where the log had come to. */
export function atOnce(log: MemoryLog): MemoryLog {
  const copy = memoryLog(log.partitions);
  for (let partition = 0; partition < log.partitions; partition += 1) {
    const frames = log.frames(partition).filter(({ barrier }) => barrier === undefined);
    copy.take(partition, frames);
    const { timeMs, registry } = endOf(log, partition);
    const all = { quietBefore: 0, readyThrough: null, closeId: "all" };
    copy.appendBarrier([partition], { atMs: timeMs, registry, ...all }, timeMs);
  }
  return copy;
}

/** The id of the last close that stands in every partition; undefined where there is none. */
export function lastClose(log: MemoryLog): string | undefined {
  const [first, ...others] = [0, 1].map((partition) =>
    log.frames(partition).flatMap(({ barrier }) => barrier?.closeId ?? []),
  );
  return first?.findLast((id) => others.every((ids) => ids.includes(id)));
}

/** The log up to a close, by which all that waited must be issued; undefined where it does not stand everywhere. */
export function upToClose(log: MemoryLog, closeId: string | undefined): { log: MemoryLog; nowMs: number } | undefined {
  const isIn = (partition: number) => log.frames(partition).some(({ barrier }) => barrier?.closeId === closeId);
  if (closeId === undefined || !(isIn(0) && isIn(1))) return undefined;
  const copy = memoryLog(log.partitions);
  for (let partition = 0; partition < log.partitions; partition += 1) {
    const frames = log.frames(partition);
    copy.take(partition, frames.slice(0, frames.findIndex(({ barrier }) => barrier?.closeId === closeId) + 1));
  }
  return { log: copy, nowMs: Math.min(...[0, 1].map((partition) => endOf(copy, partition).timeMs)) };
}

/** Those of which the log has let something count. */
export function counting(
  log: MemoryLog,
  registry: readonly RegistryChange[],
  partitionOf: (meterId: string) => number,
) {
  return registry.filter(({ meterId, position }) => position <= endOf(log, partitionOf(meterId)).registry);
}

/**
 * Counted without the aggregator: each month of a meter that is due, from its first reading on, has a revision. It is
 * final once its hour for that has come, and not before. None was issued before its hour.
 */
export function checkMonths(
  log: MemoryLog,
  issued: readonly Snapshot[],
  meters: readonly { meterId: string; partition: number; zone: string | undefined; firstAt: number }[],
): void {
  for (const { meterId, partition, zone, firstAt } of meters) {
    const { timeMs } = endOf(log, partition);
    const calendar = localCalendar(zone ?? walkZone);
    for (let period = calendar.periodOf(firstAt); calendar.provisionalFrom(period) <= timeMs / 1000; period += 1) {
      const own = issued.filter((one) => one.meterId === meterId && one.period === period);
      const isFinal = own.some(({ lifecycle }) => lifecycle !== "provisional");
      if (own.length > 0 && isFinal === calendar.finalFrom(period) <= timeMs / 1000) continue;
      throw new Error(
        `${meterId} ${period} is due, and issued are ${own.map(({ lifecycle }) => lifecycle).join() || "none"}`,
      );
    }
    const isSoon = (one: Snapshot) => one.issuedAtMs / 1000 < calendar.provisionalFrom(one.period);
    const soon = zone === undefined && issued.find((one) => one.meterId === meterId && isSoon(one));
    if (soon) throw new Error(`${snapshotId(soon)} was issued before it was due`);
  }
}
