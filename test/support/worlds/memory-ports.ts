import { DatabaseSync } from "node:sqlite";
import {
  billingSchema,
  billingTable,
  billingWrites,
  encodeLine,
} from "@meterbook/adapters/sqlite-views/billing-log/billing-table";
import { registryFold } from "@meterbook/adapters/sqlite-views/registry/registry-fold";
import { registryReads } from "@meterbook/adapters/sqlite-views/registry/registry-reads";
import { recordReader, registrySchema } from "@meterbook/adapters/sqlite-views/registry/registry-table";
import type { Damage, KnownDamage } from "@meterbook/core/domain/damage/damage";
import { periodsOf } from "@meterbook/core/domain/gap/gap-periods";
import type { MeterGaps } from "@meterbook/core/domain/gap/meter-gaps";
import { isUnfinished, type Job } from "@meterbook/core/domain/job/job";
import { channelKey, lowerBound, type ReadingSeries, readingAt } from "@meterbook/core/domain/reading/reading";
import { type MasterDataChange, setting } from "@meterbook/core/domain/registry/master-data-change";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { Finding } from "@meterbook/core/domain/snapshot/finding";
import { pointsOfSnapshot, type Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { AuditLog, KeptRead } from "@meterbook/core/ports/audit-log";
import type { BillingLog } from "@meterbook/core/ports/billing-log";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import type { GapLog } from "@meterbook/core/ports/gap-log";
import type { GroupMembers, GroupSumsReader, SummedDay } from "@meterbook/core/ports/group-sums";
import type { JobLog } from "@meterbook/core/ports/job-log";
import type { LoggedReport, ReadingsLog } from "@meterbook/core/ports/readings-log";
import type { Registry } from "@meterbook/core/ports/registry";
import type { RejectedLog, RejectionQuery, StoredRejection } from "@meterbook/core/ports/rejected-log";
import type {
  FleetReader,
  SeriesReader,
  StoredConflict,
  StoredMeter,
  StoreTotals,
} from "@meterbook/core/ports/series-store";
import type { LatestPage, LedgerEntry, SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { encodeSnapshot } from "@meterbook/core/records/encode-snapshot";
import { sealChange } from "@meterbook/core/records/registry-change-protobuf";
import type { Barrier } from "@meterbook/sharding/barrier";
import { type LedgerPlace, placeAfter } from "@meterbook/sharding/ledger-place";

/** Ports held in memory, for tests of what stands on them: they keep the ports' promises but the durable ones. */

export interface MemorySeries extends SeriesReader, FleetReader {
  /** `from` to `to` of every read, in order. */
  readonly reads: { from: number; to: number }[];
  totalsNow: StoreTotals;
}

export const nothingStored: StoreTotals = {
  ...{ stored: 0, duplicates: 0, conflicts: 0, refused: 0, pending: 0, newestAt: 0 },
  ...{ positions: new Map(), tallies: new Map() },
};

export function memorySeries(
  meters: Readonly<Record<string, readonly ReadingSeries[]>>,
  conflicts: readonly StoredConflict[] = [],
): MemorySeries {
  const reads: { from: number; to: number }[] = [];
  // A meter may have a name that every object inherits.
  const byId = new Map(Object.entries(meters));
  const all = Object.values(meters).flat();
  const newestAt = Math.max(0, ...all.map(({ at }) => at.at(-1) ?? 0));
  const series: MemorySeries = {
    reads,
    totalsNow: { ...nothingStored, newestAt },
    meter: async (meterId) => storedMeter(meterId, [...byId.keys()].indexOf(meterId), byId.get(meterId)),
    readMany: async (meterIds, range) => Promise.all(meterIds.map((meterId) => series.read(meterId, range))),
    async read(meterId, { from, to, channels }) {
      reads.push({ from, to });
      const wanted = (byId.get(meterId) ?? []).filter((_, index) => channels?.includes(index) ?? true);
      return wanted.map((one) => slice(one, from, to)).filter(({ at }) => at.length > 0);
    },
    conflictsOf: async (meterId, { afterId, limit }) =>
      conflicts.filter((conflict) => conflict.meterId === meterId && conflict.id > afterId).slice(0, limit),
    totals: async () => series.totalsNow,
    meterIds: async ({ afterMeterId = "", prefix = "", limit }) =>
      [...byId.keys()]
        .filter((id) => id > afterMeterId && id.startsWith(prefix))
        .sort()
        .slice(0, limit),
    conflicts: async ({ after = [], meterId, from = 0, to = Number.POSITIVE_INFINITY, limit }) =>
      conflicts
        .filter(({ id }) => id < (after[0] ?? Number.POSITIVE_INFINITY))
        .filter((one) => (meterId ?? one.meterId) === one.meterId && one.at >= from && one.at < to)
        .sort((a, b) => b.id - a.id)
        .slice(0, limit)
        .map((conflict) => ({ conflict, place: [conflict.id] })),
    newestOf: async (meterIds) =>
      meterIds.map((meterId) => {
        const newest = (byId.get(meterId) ?? []).map(({ at }) => at.at(-1) ?? 0);
        return newest.length === 0 ? undefined : Math.max(...newest);
      }),
  };
  return series;
}

function storedMeter(
  meterId: string,
  no: number,
  series: readonly ReadingSeries[] | undefined,
): StoredMeter | undefined {
  if (series === undefined) return undefined;
  const channels = series.map((one, index) => ({ ...one.channel, index, first: readingAt(one, 0) }));
  if (new Set(channels.map(channelKey)).size < channels.length) throw new Error("two series of one channel");
  return { no, meterId, channels };
}

function slice(series: ReadingSeries, from: number, to: number): ReadingSeries {
  const [start, end] = [lowerBound(series, from), lowerBound(series, to + 1)];
  return {
    channel: series.channel,
    at: series.at.slice(start, end),
    value: series.value.slice(start, end),
    code: series.code.slice(start, end),
  };
}

export interface MemorySnapshots extends SnapshotView {
  /** What was asked for, in order. */
  readonly calls: string[];
  issue(...snapshots: readonly Snapshot[]): void;
  issueIn(shard: number, ...snapshots: readonly Snapshot[]): void;
}

export function memorySnapshots(...issued: readonly Snapshot[]): MemorySnapshots {
  const ledger: LedgerEntry[] = [];
  const calls: string[] = [];
  const called = <Answer>(name: string, answer: Answer): Answer => {
    calls.push(name);
    return answer;
  };
  const { of, newestOf, latestOf } = lookUps(ledger);
  let end: LedgerPlace = [];
  const view: MemorySnapshots = {
    ...pointsIn(ledger),
    calls,
    issue: (...snapshots) => view.issueIn(0, ...snapshots),
    issueIn: (shard, ...snapshots) => {
      for (const snapshot of snapshots) {
        const entry = { shard, sequence: (end[shard] ?? 0) + 1, snapshot };
        ledger.push(entry);
        end = placeAfter(end, entry);
      }
    },
    latest: async (page) => called("latest", latestOf(page)),
    latestRecords: async (page) =>
      called(
        "latestRecords",
        latestOf(page).map(({ snapshot }) => {
          const { meterId, period, revision } = snapshot;
          return { meterId, period, revision, record: encodeSnapshot(snapshot) };
        }),
      ),
    changes: async ({ after, limit }) => {
      const wanted = ledger.filter(({ shard, sequence }) => sequence > (after[shard] ?? 0));
      return called("changes", wanted.sort((a, b) => a.shard - b.shard).slice(0, limit));
    },
    find: async (meterId, period, revision) =>
      called(
        "find",
        of(meterId, period).findLast((one) => revision === undefined || one.revision === revision),
      ),
    revisions: async (meterId, period) => called("revisions", of(meterId, period)),
    latestOfMeter: async (meterId, fromPeriod) => called("latestOfMeter", newestOf(meterId, fromPeriod)),
    latestOfMeters: async (meterIds, fromPeriod) =>
      called(
        "latestOfMeters",
        meterIds.map((meterId) => newestOf(meterId, fromPeriod)),
      ),
    catchUp: async () => undefined,
    placeBefore: async (atMs) =>
      ledger
        .filter(({ snapshot }) => snapshot.issuedAtMs >= atMs)
        .reduceRight((place, { shard, sequence }) => placeAfter(place, { shard, sequence: sequence - 1 }), end),
    lastPlace: async () => called("lastPlace", end),
    seals: async () => ({ seals: [], records: 0 }),
    sealGrowth: async () => [],
    sealedRecord: async () => undefined,
  };
  view.issue(...issued);
  return view;
}

function lookUps(ledger: readonly LedgerEntry[]) {
  return {
    of: (meterId: string, period: number) =>
      ledger
        .map(({ snapshot }) => snapshot)
        .filter((snapshot) => snapshot.meterId === meterId && snapshot.period === period)
        .sort((a, b) => a.revision - b.revision),
    newestOf(meterId: string, fromPeriod: number) {
      const newest = new Map<number, Snapshot>();
      for (const { snapshot } of ledger) {
        if (snapshot.meterId === meterId && snapshot.period >= fromPeriod) newest.set(snapshot.period, snapshot);
      }
      return [...newest.values()].sort((a, b) => a.period - b.period);
    },
    latestOf({ period, afterMeterId = "", limit, quality, finding }: LatestPage) {
      const isFound = ({ rule }: Finding) => finding === "any" || finding === rule;
      const isWanted = ({ snapshot: { registers } }: LedgerEntry) =>
        (quality === undefined || registers.some((row) => row.quality === quality)) &&
        (finding === undefined || registers.some(({ findings }) => findings.some(isFound)));
      const newest = new Map<string, LedgerEntry>();
      for (const entry of ledger) if (entry.snapshot.period === period) newest.set(entry.snapshot.meterId, entry);
      const after = [...newest]
        .filter(([id, one]) => id > afterMeterId && isWanted(one))
        .sort(([a], [b]) => (a < b ? -1 : 1));
      return after.slice(0, limit).map(([, entry]) => entry);
    },
  };
}

/** Which usage points, meters and months there are. */
function pointsIn(
  ledger: readonly LedgerEntry[],
): Pick<SnapshotView, "metersOfUsagePoint" | "issuedUsagePoints" | "issuedMeters" | "periods"> {
  const inPeriod = (period: number) => ledger.flatMap(({ snapshot }) => (snapshot.period === period ? [snapshot] : []));
  return {
    metersOfUsagePoint: async (period, id) => {
      const named = inPeriod(period).filter((snapshot) => pointsOfSnapshot(snapshot).includes(id));
      return [...new Set(named.map(({ meterId }) => meterId))].sort();
    },
    issuedUsagePoints: async ({ period, afterUsagePointId = "", limit }) =>
      [...new Set(inPeriod(period).flatMap(pointsOfSnapshot))]
        .filter((id) => id > afterUsagePointId)
        .sort()
        .slice(0, limit),
    issuedMeters: async (period) => new Set(inPeriod(period).map(({ meterId }) => meterId)).size,
    periods: async () => [...new Set(ledger.map(({ snapshot }) => snapshot.period))].sort((a, b) => a - b),
  };
}

/** The real tables, in memory. */
export function memoryRegistry(...records: readonly MeterRecord[]): Registry {
  const database = new DatabaseSync(":memory:");
  database.exec(registrySchema);
  const read = recordReader({ damaged: () => undefined, nowMs: () => 0, whereOf: String });
  const { rows, meterAsOf: _, ...reads } = registryReads(database, read);
  const fold = registryFold(database);
  let changed = 0;
  const take = (changes: readonly MasterDataChange[]) =>
    changes.map((change) => {
      changed += 1;
      return fold.take(sealChange({ ...change, id: `change ${changed}`, recordedAtMs: changed }), changed);
    });
  take(records.map((record) => setting(record, "")));
  return {
    ...reads,
    newest: async () => rows.lastPosition(),
    apply: async (changes) => take(changes),
    put: async (more, by = "") => void take(more.map((record) => setting(record, by))),
    follow: async () => {
      throw new Error("the API does not follow the registry");
    },
    close: async () => database.close(),
  };
}

export function memoryRejectedLog(...entries: readonly StoredRejection[]): RejectedLog {
  const kept = [...entries];
  return {
    async append(rejections) {
      for (const one of rejections)
        kept.push({ ...one, id: String(kept.length + 1).padStart(6, "0"), replayedAtMs: null });
    },
    async list({ afterId, limit, newestFirst = false, ...asked }) {
      const all = kept.filter((one) => isAskedFor(one, asked));
      if (newestFirst) all.reverse();
      const after = (id: string) => afterId === undefined || (newestFirst ? id < afterId : id > afterId);
      return all.filter(({ id }) => after(id)).slice(0, limit);
    },
    get: async (id) => kept.find((entry) => entry.id === id),
    async markReplayed(id, atMs) {
      const index = kept.findIndex((entry) => entry.id === id && entry.replayedAtMs === null);
      const entry = kept[index];
      if (entry !== undefined) kept[index] = { ...entry, replayedAtMs: atMs };
    },
    async totals() {
      const open = kept.filter(({ replayedAtMs }) => replayedAtMs === null);
      const byReason: Record<string, number> = {};
      for (const { reason } of open) byReason[reason] = (byReason[reason] ?? 0) + 1;
      return { open: open.length, byReason };
    },
    close: async () => undefined,
  };
}

function isAskedFor(
  one: StoredRejection,
  { includeReplayed, reason, meterId, fromMs = 0, toMs = Number.POSITIVE_INFINITY }: Omit<RejectionQuery, "limit">,
): boolean {
  const isOpen = includeReplayed || one.replayedAtMs === null;
  const isOfThem = (reason ?? one.reason) === one.reason && (meterId ?? one.meterId) === one.meterId;
  return isOpen && isOfThem && one.receivedAtMs >= fromMs && one.receivedAtMs < toMs;
}

export function memoryDamageLog(...entries: readonly Damage[]): DamageLog {
  return damageLogIn(new Map(entries.map((one) => [one.id, unmended(one)])));
}

function unmended(one: Damage): KnownDamage {
  return { ...one, acknowledged: null, asked: null, mended: null };
}

/** A log that shows what is in it. */
export function damageLogIn(kept: Map<string, KnownDamage>): DamageLog {
  const inOrder = () =>
    [...kept.values()].sort((a, b) => a.foundAtMs - b.foundAtMs || (a.id < b.id ? -1 : Number(a.id > b.id)));
  return {
    async report(damages) {
      for (const one of damages) if (!kept.has(one.id)) kept.set(one.id, unmended(one));
    },
    async askRepair(id, asked) {
      const entry = kept.get(id);
      if (entry?.asked === null) kept.set(id, { ...entry, asked });
      return entry !== undefined;
    },
    async mend(id, mended) {
      const entry = kept.get(id);
      if (entry?.mended === null) kept.set(id, { ...entry, mended });
      return entry !== undefined;
    },
    async unmended({ place, meterId, asked = false, afterId = "", limit }) {
      const wanted = [...kept.values()].filter((one) => one.place === place && one.mended === null && one.id > afterId);
      const own = wanted.filter((one) => (meterId ?? one.meterId) === one.meterId && (!asked || one.asked !== null));
      return own.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit);
    },
    async acknowledge(id, word) {
      const entry = kept.get(id);
      if (entry?.acknowledged === null) kept.set(id, { ...entry, acknowledged: word });
      return entry !== undefined;
    },
    find: async (id) => kept.get(id),
    async list({ includeAcknowledged, afterId, limit }) {
      const wanted = inOrder().filter(({ acknowledged }) => includeAcknowledged || acknowledged === null);
      return wanted.slice(wanted.findIndex(({ id }) => id === afterId) + 1).slice(0, limit);
    },
    async open() {
      const open = inOrder().filter(({ acknowledged }) => acknowledged === null);
      const byPlace: Record<string, number> = {};
      for (const { place } of open) byPlace[place] = (byPlace[place] ?? 0) + 1;
      return { total: open.length, byPlace };
    },
    async losses() {
      const byPlace: Record<string, number> = {};
      for (const { place, lost } of kept.values()) if (lost) byPlace[place] = (byPlace[place] ?? 0) + lost;
      const unknown = inOrder().filter(({ acknowledged, lost }) => acknowledged === null && lost === null).length;
      return { byPlace, unknown };
    },
    close: async () => undefined,
  };
}

export function memoryGapLog(...records: readonly MeterGaps[]): Pick<GapLog, "get" | "list"> {
  const listed = (period: number) =>
    records.flatMap(({ meterId, usagePointId, zone, gaps }) =>
      gaps.flatMap((gap, no) => {
        const month = periodsOf(gap, localCalendar(zone)).find((one) => one.period === period);
        if (month === undefined || gap.answeredAtMs !== null) return [];
        const { isAtClose } = month;
        return [
          { meterId, usagePointId, gap, isAtClose, place: { group: isAtClose ? 0 : 1, to: gap.to, meterId, no } },
        ];
      }),
    );
  return {
    get: async (meterId) => records.find((one) => one.meterId === meterId),
    async list({ period, after, limit }) {
      const all = listed(period).sort((a, b) => a.place.group - b.place.group || b.gap.to - a.gap.to);
      const first = all.findIndex(({ place }) => JSON.stringify(place) === JSON.stringify(after)) + 1;
      return all.slice(first, first + limit);
    },
  };
}

export function memoryAuditLog(): AuditLog {
  const kept: KeptRead[] = [];
  const is = (wanted: string | undefined, value: string) => wanted === undefined || wanted === value;
  return {
    async put(reads) {
      for (const read of reads) kept.push({ id: kept.length + 1, ...read });
    },
    list: async ({ beforeId = Number.POSITIVE_INFINITY, limit, subject, subjectId, caller, fromMs = 0, toMs }) =>
      kept
        .filter((one) => one.id < beforeId && one.atMs >= fromMs && one.atMs < (toMs ?? Number.POSITIVE_INFINITY))
        .filter((one) => is(subject, one.subject) && is(subjectId, one.subjectId) && is(caller, one.caller))
        .toReversed()
        .slice(0, limit),
    close: async () => undefined,
  };
}

export function memoryJobLog(...jobs: readonly Job[]): JobLog {
  const kept = new Map(jobs.map((job) => [job.id, job]));
  return {
    worked: "by several",
    async put(job) {
      kept.set(job.id, job);
    },
    get: async (id) => kept.get(id),
    unfinished: async () => [...kept.values()].filter(isUnfinished).sort((a, b) => a.askedAtMs - b.askedAtMs),
    close: async () => undefined,
  };
}

export interface MemoryReadingsLog
  extends Pick<ReadingsLog, "partitions" | "unread" | "ends" | "append" | "appendBarrier"> {
  readonly reports: LoggedReport[];
  readonly barriers: Barrier[];
}

/** One partition; a frame per report. */
export function memoryReadingsLog(nowMs: () => number): MemoryReadingsLog {
  const reports: LoggedReport[] = [];
  const appendedAtMs: number[] = [];
  const barriers: Barrier[] = [];
  return {
    partitions: 1,
    reports,
    barriers,
    async appendBarrier(_partitions, barrier) {
      barriers.push(barrier);
      return new Map([[0, reports.length + barriers.length - 1]]);
    },
    async append(report) {
      reports.push(report);
      appendedAtMs.push(nowMs());
    },
    unread: async (positions) => {
      const position = positions.get(0) ?? 0;
      const readingsFrom = (from: number) => reports.slice(from).reduce((sum, report) => sum + report.readings, 0);
      const counts = { readings: readingsFrom(position), accepted: readingsFrom(0) };
      return { ...counts, oldestAppendedAtMs: appendedAtMs[position] };
    },
    ends: async () => new Map([[0, reports.length]]),
  };
}

export interface MemoryGroup extends Partial<GroupMembers> {
  /** By register. */
  readonly days: Readonly<Record<string, readonly SummedDay[]>>;
}

export function memoryGroupSums(groups: Readonly<Record<string, MemoryGroup>>): GroupSumsReader {
  const all = Object.entries(groups).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    groups: async ({ prefix, afterGroupId = "", limit }) =>
      all
        .filter(([groupId]) => groupId.startsWith(prefix) && groupId > afterGroupId)
        .map(([groupId, { meters = 0 }]) => ({ groupId, meters }))
        .slice(0, limit),
    async group(groupId) {
      const found = groups[groupId];
      if (found === undefined) return undefined;
      const { meters = 0, days } = found;
      return { groupId, meters, registers: Object.keys(days) };
    },
    memberIds: async (groupId) => groups[groupId]?.meterIds ?? [],
    days: async (groupId, register, { from, to }) =>
      (groups[groupId]?.days[register] ?? []).filter(({ day }) => day >= from && day <= to),
    pending: async () => [],
    close: async () => undefined,
  };
}

export function memoryBillingLog(): BillingLog {
  const database = new DatabaseSync(":memory:");
  database.exec(billingSchema);
  const { outcomeOf, ...reads } = billingTable(database);
  const write = billingWrites(database);
  return {
    ...reads,
    record: async (lines) =>
      lines.map((line) => {
        if (write(line, encodeLine(line))) return "recorded";
        return outcomeOf(line) === "differs" ? "differs" : "known";
      }),
    close: async () => database.close(),
  };
}
