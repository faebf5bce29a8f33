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
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { RegisteredMeter } from "@meterbook/core/domain/registry/registered-meter";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import type { RuleBook } from "@meterbook/core/domain/valuation/rule-book";
import type { Clock, TimeWitnesses } from "@meterbook/core/ports/clock";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import type { GapLog } from "@meterbook/core/ports/gap-log";
import type { GroupSums } from "@meterbook/core/ports/group-sums";
import type { LogFrame, ReadingsLog } from "@meterbook/core/ports/readings-log";
import type { Rejection } from "@meterbook/core/ports/rejected-log";
import type { FleetReader, SeriesReader, SeriesStores, StoreTotals } from "@meterbook/core/ports/series-store";
import type { SnapshotLedgers, SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { damageLogIn } from "./memory-ports.ts";
import { type ScriptedDelivery, scriptedDelivery } from "./scripted-delivery.ts";
import { type ScriptedLog, type ScriptedLogOptions, scriptedLog, type TestReport } from "./scripted-log.ts";
import { type ScriptedRegistry, scriptedRegistry } from "./scripted-registry.ts";

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
  readonly store: SeriesReader & FleetReader;
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
  readonly reader: SeriesReader & FleetReader & { close(): Promise<void> };
}>;

function embeddedSeries(dataDir: string): OpenSeries {
  prepareDataDirectory(dataDir);
  return async (clock) => ({
    stores: openEmbeddedSeriesStores({ dataDir, clock }),
    reader: openEmbeddedSeriesReader({ dataDir }),
  });
}

export interface AggregatorWorldOptions extends ScriptedLogOptions {
  nowMs: number;
  timeZone?: string;
  settleSeconds?: number;
  /** The usual ones where absent. */
  rules?: RuleBook;
  limits?: Partial<AdmissionLimits>;
  /** Embedded where absent. */
  series?: OpenSeries | undefined;
  /** Told what the aggregator tells. */
  events?: Partial<AggregatorEvents>;
  /** Gaps are looked for, and kept there. */
  gaps?: { readonly log: GapLog; readonly rules: GapRules };
  /** Groups are summed, and their sums kept there. */
  groups?: GroupSums;
  /** Stands in front of the ledgers. */
  ledgers?: (ledgers: SnapshotLedgers) => SnapshotLedgers;
  /** Called before each commit of a batch; may throw, and the commit fails. */
  committing?: () => void;
  /** Called where a process may die (crash-point.ts); may throw, and nothing after it happens. */
  crashPoint?: (name: string) => void;
  /** Of each start. */
  witnesses?: () => TimeWitnesses;
}

/** What stays when the aggregator ends, and what it is started with. */
interface Surroundings {
  readonly options: AggregatorWorldOptions;
  readonly dataDir: string;
  readonly clock: Clock;
  readonly timeZone: () => string;
  readonly openSeries: OpenSeries;
  readonly log: ScriptedLog;
  readonly registry: ScriptedRegistry;
  readonly delivery: ScriptedDelivery;
  readonly appendBarrier: ReadingsLog["appendBarrier"];
  readonly rejections: Rejection[];
  readonly damageLog: DamageLog;
  readonly looks: EventEmitter;
}

async function startAggregator(around: Surroundings) {
  const { dataDir, clock, damageLog } = around;
  const { stores, reader } = await around.openSeries(clock);
  const aggregator = await aggregateReadings(portsOf(around, stores), aggregatorOptions(around));
  await around.delivery.assign();
  const ears = { tell: (damage: Damage) => void damageLog.report([damage]), nowMs: clock.nowMs };
  const ledger = openEmbeddedSnapshotView({ dataDir, ears });
  return {
    reader,
    ledger,
    async stop() {
      await around.delivery.hold();
      await aggregator.close();
      await reader.close();
      await stores.close();
      await ledger.close();
    },
  };
}

function portsOf(around: Surroundings, stores: SeriesStores): AggregatorPorts {
  const { options, dataDir, clock, delivery, appendBarrier, looks } = around;
  const inFront = options.ledgers ?? ((ledgers: SnapshotLedgers) => ledgers);
  return {
    clock,
    series: watched(stores, { looked: () => looks.emit("look"), committing: options.committing }),
    ledgers: inFront(openEmbeddedSnapshotLedgers({ dataDir })),
    log: around.log.port({ appendBarrier, consume: delivery.consume }),
    rejected: { append: async (rejections) => void around.rejections.push(...rejections) },
    registry: around.registry.port,
    damages: around.damageLog,
    ...(options.gaps === undefined ? {} : { gaps: options.gaps.log }),
    groups: options.groups,
  };
}

function aggregatorOptions({ options, timeZone, damageLog }: Surroundings): Parameters<typeof aggregateReadings>[1] {
  return {
    timeZone: timeZone(),
    settleSeconds: options.settleSeconds ?? 30,
    ...(options.rules === undefined ? {} : { rules: options.rules }),
    limits: { ...usualAdmission, ...options.limits },
    ...(options.gaps === undefined ? {} : { gaps: options.gaps.rules }),
    summing: { lookMs: 20, betweenMs: 0, gatherMs: 0 },
    events: { ...silentAggregatorEvents, ...options.events },
    crashPoint: options.crashPoint ?? (() => undefined),
    damaged: (damage) => void damageLog.report([damage]),
    ...(options.witnesses === undefined ? {} : { witnesses: options.witnesses() }),
  };
}

export async function openAggregatorWorld(options: AggregatorWorldOptions): Promise<AggregatorWorld> {
  const dataDir = await mkdtemp(join(tmpdir(), "meterbook-world-"));
  let [nowMs, timeZone] = [options.nowMs, options.timeZone ?? "Europe/Kyiv"];
  // A test may put a clock of its own in the place of `nowMs`.
  let made: AggregatorWorld | undefined;
  const clock: Clock = { nowMs: () => made?.nowMs ?? nowMs };
  const log = scriptedLog(options, clock.nowMs);
  const registry = scriptedRegistry();
  const delivery = scriptedDelivery(log);
  const damages = new Map<string, KnownDamage>();
  const damageLog = damageLogIn(damages);
  const rejections: Rejection[] = [];
  const looks = new EventEmitter();
  const appendBarrier: ReadingsLog["appendBarrier"] = async (_, barrier) => {
    const offset = log.putBarrier(barrier);
    void delivery.passed(offset).catch(() => undefined);
    return new Map([[0, offset]]);
  };
  // Once: the log of this world is in memory, and a start would miss it on the disk.
  const openSeries = options.series ?? embeddedSeries(dataDir);
  const shared = { options, dataDir, clock, openSeries, log, registry, delivery, appendBarrier };
  const around: Surroundings = { ...shared, timeZone: () => timeZone, rejections, damageLog, looks };
  let running = await startAggregator(around);
  const store = () => running.reader;
  const told = tellingParts(around, store);

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
    get position() {
      return delivery.position;
    },
    get registered() {
      return registry.records.flatMap(({ record }) => record ?? []);
    },
    get store() {
      return store();
    },
    get ledger() {
      return running.ledger;
    },
    ...{ rejections, damages, damageLog, dataDir, log: log.frames, appendBarrier },
    ...told,
    async restart(meanwhile, changes = [], then = undefined) {
      await running.stop();
      for (const record of changes) registry.put(record);
      running = await startAggregator(around);
      await meanwhile?.();
      delivery.goOn();
      if (then === undefined) await delivery.deliver();
    },
    async issued(...meterIds) {
      const found: Snapshot[] = [];
      for (const meterId of meterIds) found.push(...(await running.ledger.latestOfMeter(meterId, 2010 * 12)));
      return found;
    },
    async dispose() {
      await running.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  made = world;
  return world;
}

/** What a test does to the log, the registry and the time, whichever aggregator runs. */
function tellingParts({ log, registry, delivery, clock, looks }: Surroundings, store: () => SeriesReader) {
  async function look(): Promise<void> {
    // The first may have begun before the call.
    for (let round = 0; round < 2; round += 1) await once(looks, "look");
  }

  /** Every barrier that was written so far. */
  function isPassed(): boolean {
    return log.frames.findLastIndex(({ barrier }) => barrier !== undefined) < delivery.position;
  }

  return {
    take: (count: number) => delivery.deliver(count),
    async deliver(...reports: readonly TestReport[]) {
      log.append(reports);
      await delivery.deliver();
    },
    append: (...reports: readonly TestReport[]) => log.append(reports),
    appendAgain: log.appendAgain,
    async register(record: RegisteredMeter) {
      registry.put(record);
      await registry.tell();
    },
    damageRecord: registry.damage,
    async close() {
      const until = { registry: registry.records.length, quietBefore: 0, readyThrough: null };
      await delivery.passed(log.putBarrier({ atMs: clock.nowMs(), ...until, closeId: "close" }));
    },
    async settle() {
      const deadline = Date.now() + 20_000;
      // Housekeeping goes round on its own every tenth of a second, and writes the barrier that is due. What it waits
      // for is the clock, which stands where it was put.
      await look();
      while (!isPassed() || (await store().totals()).pending > 0) {
        if (Date.now() > deadline) throw new Error("nothing settles: is the clock past the settle time?");
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    look,
    expireLog: log.expire,
    forgetLog: log.forget,
    totals: () => store().totals(),
  };
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
