import { EventEmitter, once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepareDataDirectory } from "@meterbook/adapters/embedded/directory/data-directory";
import {
  openEmbeddedSnapshotLedgers,
  openEmbeddedSnapshotView,
} from "@meterbook/adapters/embedded/ledger/embedded-snapshot-ledger";
import { openEmbeddedSeriesReader } from "@meterbook/adapters/embedded/series/embedded-series-reader";
import { openEmbeddedSeriesStores } from "@meterbook/adapters/embedded/series/embedded-series-store";
import type { AggregatorPorts } from "@meterbook/aggregator/aggregate-readings";
import { aggregateReadings } from "@meterbook/aggregator/aggregate-readings";
import { type AggregatorEvents, silentAggregatorEvents } from "@meterbook/aggregator/aggregator-events";
import { type AdmissionLimits, usualAdmission } from "@meterbook/aggregator/apply/admit-reports";
import type { GapRules } from "@meterbook/aggregator/gaps/gap-rules";
import type { Damage, KnownDamage } from "@meterbook/core/domain/damage/damage";
import type { Origin, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { RegisteredMeter } from "@meterbook/core/domain/registry/registered-meter";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import type { RuleBook } from "@meterbook/core/domain/valuation/rule-book";
import type { Clock, TimeWitnesses } from "@meterbook/core/ports/clock";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import type { GapLog } from "@meterbook/core/ports/gap-log";
import type { GroupSums } from "@meterbook/core/ports/group-sums";
import type { FrameConsumer, LogFrame, ReadingsLog } from "@meterbook/core/ports/readings-log";
import type { FollowOptions, RegistryChange } from "@meterbook/core/ports/registry";
import type { Rejection } from "@meterbook/core/ports/rejected-log";
import type { SeriesReader, SeriesStores, StoreTotals } from "@meterbook/core/ports/series-store";
import type { SnapshotLedgers, SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { encodeReport } from "@meterbook/intake/decoders/protobuf/meter-report-protobuf";
import type { Barrier } from "@meterbook/sharding/barrier";
import { damageLogIn } from "./memory-ports.ts";

/** What one report holds, in a test's words. */
export interface TestReport {
  readonly meterId: string;
  readonly series: readonly ReadingSeries[];
  readonly sequence?: number;
  /** `remote` where absent. */
  readonly origin?: Origin;
  readonly note?: string;
}

/**
 * The real aggregator on the real embedded store and ledger, with a clock and a log in the test's hand: it decides when
 * a frame is delivered, when time passes, and when the process "dies" (`crash`: nothing is flushed or closed in order).
 */
export interface AggregatorWorld {
  nowMs: number;
  /** The setting, as of the next start. */
  timeZone: string;
  /** What the aggregator has refused, in order. */
  readonly rejections: Rejection[];
  readonly store: SeriesReader;
  readonly ledger: SnapshotView;
  /** What was told as damaged, by id. */
  readonly damages: ReadonlyMap<string, KnownDamage>;
  readonly damageLog: DamageLog;
  /** All records of the log. */
  readonly log: readonly LogFrame[];
  /** What the log does: it is delivered by itself. */
  readonly appendBarrier: ReadingsLog["appendBarrier"];
  /** Takes so many records more, as they stand in the log. */
  take(count: number): Promise<void>;
  /** Where series.db is. */
  readonly dataDir: string;
  /** Appends one frame and hands it to the aggregator, which has it in the store when this resolves. */
  deliver(...reports: readonly TestReport[]): Promise<void>;
  register(record: RegisteredMeter): Promise<void>;
  /** The registry's records of the meter cannot be read any more; whoever follows hears of it after a restart. */
  damageRecord(meterId: string): void;
  /** What POST /v1/periods/{period}/close does: resolves when the close was passed. */
  close(): Promise<void>;
  /** Lets housekeeping look at the clock until nothing is pending. */
  settle(): Promise<void>;
  /** Lets housekeeping look at everything once, whatever it makes of it. */
  look(): Promise<void>;
  /** Appends one frame that the aggregator gets with the next one or with a barrier, or after a restart. */
  append(...reports: readonly TestReport[]): void;
  /** What is in the log is delivered after `meanwhile`; `changes` of master data come while it is stopped. */
  restart(meanwhile?: () => Promise<void>, changes?: readonly MeterRecord[], then?: "take nothing"): Promise<void>;
  /** Appends the newest frame once more, as a producer may after an outage. */
  appendAgain(): void;
  /** The next record that it takes. */
  readonly position: number;
  /** Every master record, in order. */
  readonly registered: readonly MeterRecord[];
  /** The log no longer holds what it holds now. */
  expireLog(): void;
  /** The log is lost, and an empty one stands in its place. */
  forgetLog(): void;
  totals(): Promise<StoreTotals>;
  /** Latest revision of every period of the meters, in a form that compares. */
  issued(...meterIds: readonly string[]): Promise<Snapshot[]>;
  dispose(): Promise<void>;
}

/** Opens a series store that has one partition, its writer's side and its readers', on the same data each time. */
export type OpenSeries = (clock: Clock) => Promise<{
  readonly stores: SeriesStores;
  readonly reader: SeriesReader & { close(): Promise<void> };
}>;

function embeddedSeries(dataDir: string): OpenSeries {
  prepareDataDirectory(dataDir);
  return async (clock) => ({
    stores: openEmbeddedSeriesStores({ dataDir, clock }),
    reader: openEmbeddedSeriesReader({ dataDir }),
  });
}

export async function openAggregatorWorld(options: {
  nowMs: number;
  timeZone?: string;
  settleSeconds?: number;
  /** The usual ones where absent. */
  rules?: RuleBook;
  limits?: Partial<AdmissionLimits>;
  /** What the log holds already; nothing where absent. */
  log?: readonly LogFrame[];
  /** Embedded where absent. */
  series?: OpenSeries | undefined;
  /** Told what the aggregator tells. */
  events?: Partial<AggregatorEvents>;
  /** Frames say how much this writer has appended. */
  writer?: string;
  /** Gaps are looked for, and kept there. */
  gaps?: { readonly log: GapLog; readonly rules: GapRules };
  /** Groups are summed, and their sums kept there. */
  groups?: GroupSums;
  /** Stands in front of the ledgers. */
  ledgers?: (ledgers: SnapshotLedgers) => SnapshotLedgers;
  /** The log cannot be read again. */
  withoutHistory?: boolean;
  /** Called before each commit of a batch; may throw, and the commit fails. */
  committing?: () => void;
  /** Called where a process may die (crash-point.ts); may throw, and nothing after it happens. */
  crashPoint?: (name: string) => void;
  /** Of each start. */
  witnesses?: () => TimeWitnesses;
}): Promise<AggregatorWorld> {
  const dataDir = await mkdtemp(join(tmpdir(), "meterbook-world-"));
  const frames: LogFrame[] = [...(options.log ?? [])];
  const records: RegistryChange[] = [];
  const damages = new Map<string, KnownDamage>();
  const damageLog = damageLogIn(damages);
  const ears = { tell: (damage: Damage) => void damageLog.report([damage]), nowMs: () => world.nowMs };
  let consumer: FrameConsumer | undefined;
  let follower: ((changes: readonly RegistryChange[]) => Promise<void>) | undefined;
  const looks = new EventEmitter();
  let ownerNo = 0;
  let resumeAt = 0;
  let heldFrom = 0;
  let appended = 0;
  let isHeld = false;
  let delivering: Promise<void> = Promise.resolve();
  let nowMs = options.nowMs;
  // A test may put a clock of its own in the place of `nowMs`.
  let isMade = false;
  const clock: Clock = { nowMs: () => (isMade ? world.nowMs : nowMs) };
  // Once: the log of this world is in memory, and a start would miss it on the disk.
  const openSeries = options.series ?? embeddedSeries(dataDir);
  let timeZone = options.timeZone ?? "Europe/Kyiv";
  let parts = await start();

  async function start() {
    const series = await openSeries(clock);
    const ports: AggregatorPorts = {
      clock,
      series: watched(series.stores, { looked: () => looks.emit("look"), committing: options.committing }),
      ledgers: (options.ledgers ?? ((ledgers) => ledgers))(openEmbeddedSnapshotLedgers({ dataDir })),
      log: {
        partitions: 1,
        ends: async () => new Map([[0, frames.length]]),
        appendBarrier,
        starts: async () => new Map([[0, Math.min(heldFrom, frames.length)]]),
        ...(options.withoutHistory === true
          ? {}
          : {
              history: () => ({
                first: async () => frames[heldFrom],
                async offsetAt(appendedAtMs) {
                  const index = frames.findIndex((frame, i) => i >= heldFrom && frame.appendedAtMs >= appendedAtMs);
                  return index === -1 ? frames.length : index;
                },
                async frames(from) {
                  const first = Math.max(from, heldFrom);
                  return { frames: frames.slice(first, first + 3), faulty: false };
                },
              }),
            }),
        consume: async (given) => {
          consumer = given;
          return { close: () => given.revoked(0) };
        },
      },
      rejected: { append: async (rejections) => void world.rejections.push(...rejections) },
      registry: {
        follow: async (
          changed: (changes: readonly RegistryChange[]) => Promise<void>,
          { asOf = 0 }: FollowOptions = {},
        ) => {
          follower = changed;
          // Of each meter the newest as of then, and whatever came later, as a registry does.
          const before = records.filter(({ position }) => position <= asOf);
          const newest = new Map(before.map((change) => [change.meterId, change]));
          const told = [...newest.values(), ...records.slice(before.length)];
          if (told.length > 0) await changed(told);
          return { close: async () => undefined, caughtUp: async () => undefined };
        },
      } as AggregatorPorts["registry"],
      damages: damageLog,
      ...(options.gaps === undefined ? {} : { gaps: options.gaps.log }),
      groups: options.groups,
    };
    const aggregator = await aggregateReadings(ports, {
      timeZone,
      settleSeconds: options.settleSeconds ?? 30,
      ...(options.rules === undefined ? {} : { rules: options.rules }),
      limits: { ...usualAdmission, ...options.limits },
      ...(options.gaps === undefined ? {} : { gaps: options.gaps.rules }),
      summing: { lookMs: 20, betweenMs: 0, gatherMs: 0 },
      events: { ...silentAggregatorEvents, ...options.events },
      crashPoint: options.crashPoint ?? (() => undefined),
      damaged: (damage) => void damageLog.report([damage]),
      ...(options.witnesses === undefined ? {} : { witnesses: options.witnesses() }),
    });
    ownerNo += 1;
    resumeAt = (await consumer?.assigned(0, ownerNo)) ?? 0;
    return { series, ledger: openEmbeddedSnapshotView({ dataDir, ears }), aggregator };
  }

  /** From where the store says that it stands, like a log after a start. */
  async function deliverFrom(count = frames.length): Promise<void> {
    const from = Math.max(heldFrom, resumeAt);
    const due = isHeld ? [] : frames.slice(from, from + count);
    if (due.length === 0) return;
    const to = from + due.length;
    await consumer?.handle({ partition: 0, frames: due });
    resumeAt = to;
  }

  /** One delivery at a time. */
  function pump(): Promise<void> {
    const next = delivering.then(() => deliverFrom());
    delivering = next.catch(() => undefined);
    return next;
  }

  async function appendBarrier(_partitions: readonly number[], barrier: Barrier) {
    const offset = putBarrier(barrier);
    void passed(offset).catch(() => undefined);
    return new Map([[0, offset]]);
  }

  function putBarrier(barrier: Barrier): number {
    frames.push({ partition: 0, offset: frames.length, appendedAtMs: world.nowMs, reports: [], barrier });
    return frames.length - 1;
  }

  /** Delivers again and again, as a log does, until the record was taken or the aggregator is another. */
  async function passed(offset: number): Promise<void> {
    const of = ownerNo;
    const deadline = Date.now() + 20_000;
    for (let error: unknown; resumeAt <= offset; ) {
      if (of !== ownerNo || Date.now() > deadline) throw error ?? new Error("the barrier was not passed");
      error = await pump().catch((cause: unknown) => cause);
      if (resumeAt <= offset) await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async function stop(): Promise<void> {
    isHeld = true;
    await delivering;
    await parts.aggregator.close();
    await parts.series.reader.close();
    await parts.series.stores.close();
    await parts.ledger.close();
  }

  const world: AggregatorWorld = {
    get nowMs() {
      return nowMs;
    },
    set nowMs(to) {
      nowMs = to;
    },
    get timeZone() {
      return timeZone;
    },
    set timeZone(zone) {
      timeZone = zone;
    },
    rejections: [],
    damages,
    damageLog,
    dataDir,
    log: frames,
    appendBarrier,
    get position() {
      return resumeAt;
    },
    get registered() {
      return records.flatMap(({ record }) => record ?? []);
    },
    async take(count) {
      const next = delivering.then(() => deliverFrom(count));
      delivering = next.catch(() => undefined);
      await next;
    },
    get store() {
      return parts.series.reader;
    },
    get ledger() {
      return parts.ledger;
    },
    async deliver(...reports) {
      world.append(...reports);
      await pump();
    },
    appendAgain() {
      frames.push({ ...(frames.at(-1) as LogFrame), offset: frames.length });
    },
    append(...reports) {
      const readings = reports.flatMap(({ series }) => series).reduce((sum, { at }) => sum + at.length, 0);
      appended += readings;
      frames.push({
        ...(options.writer === undefined ? {} : { tally: { writer: options.writer, total: appended, readings } }),
        partition: 0,
        offset: frames.length,
        appendedAtMs: world.nowMs,
        reports: reports.map(({ meterId, series, sequence = 0, origin = "remote", note = "" }) => ({
          meterId,
          receivedAtMs: world.nowMs,
          origin,
          report: encodeReport({ sequence, series, note }),
          readings: series.reduce((count, { at }) => count + at.length, 0),
        })),
      });
    },
    async register(record) {
      records.push({ meterId: record.meterId, record, position: records.length + 1 });
      await follower?.(records.slice(-1));
    },
    damageRecord(meterId) {
      records.forEach((change, index) => {
        if (change.meterId === meterId) records[index] = { ...change, record: undefined };
      });
    },
    async close() {
      await passed(
        putBarrier({
          atMs: world.nowMs,
          registry: records.length,
          quietBefore: 0,
          readyThrough: null,
          closeId: "close",
        }),
      );
    },
    async settle() {
      const deadline = Date.now() + 20_000;
      // Housekeeping looks on its own every tenth of a second; what it waits for is the clock, which stands where it
      // was put.
      await new Promise((resolve) => setTimeout(resolve, 250));
      while ((await parts.series.reader.totals()).pending > 0) {
        if (Date.now() > deadline) throw new Error("nothing settles: is the clock past the settle time?");
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async look() {
      // The first may have begun before the call.
      for (let round = 0; round < 2; round += 1) await once(looks, "look");
    },
    async restart(meanwhile, changes = [], then = undefined) {
      await stop();
      for (const record of changes) records.push({ meterId: record.meterId, record, position: records.length + 1 });
      parts = await start();
      await meanwhile?.();
      isHeld = false;
      if (then === undefined) await pump();
    },
    expireLog: () => {
      heldFrom = frames.length;
    },
    forgetLog: () => void frames.splice(0),
    totals: () => parts.series.reader.totals(),
    async issued(...meterIds) {
      const found: Snapshot[] = [];
      for (const meterId of meterIds) found.push(...(await parts.ledger.latestOfMeter(meterId, 2010 * 12)));
      return found;
    },
    async dispose() {
      await stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  isMade = true;
  return world;
}

interface StoreWatch {
  /** Housekeeping came to the store, which it does last. */
  readonly looked: () => void;
  readonly committing: (() => void) | undefined;
}

function watched(stores: SeriesStores, { looked, committing }: StoreWatch): SeriesStores {
  return {
    ...stores,
    async open(partition, ownerNo) {
      const store = await stores.open(partition, ownerNo);
      return {
        ...store,
        get progress() {
          return store.progress;
        },
        get meterNoNext() {
          return store.meterNoNext;
        },
        async apply(changes, progress) {
          committing?.();
          await store.apply(changes, progress);
        },
        async upkeep(budgetMs) {
          looked();
          return (await store.upkeep?.(budgetMs)) ?? false;
        },
      };
    },
  };
}
