import { sharedValues } from "@meterbook/core/domain/reading/shared-values";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import { inForce, type RegisteredMeter } from "@meterbook/core/domain/registry/registered-meter";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { RuleBook } from "@meterbook/core/domain/valuation/rule-book";
import { rulesOfMeter, usualRules } from "@meterbook/core/domain/valuation/rule-book";
import type { SeriesStore, StoredChannel, StoredMeter } from "@meterbook/core/ports/series-store";
import { channelRows } from "./channel-memory.ts";
import type { MeterState } from "./meter-state.ts";
import { adopt, forgetMeter, meterState } from "./meter-state.ts";

/** All meters that the aggregator knows: those with readings and those that only the registry has. */
export interface KnownMeters {
  readonly size: number;
  /** Those that the store has numbered: they have readings. */
  readonly numbered: number;
  /** The meter of that id, new where it was unknown. */
  meet(meterId: string): MeterState;
  find(meterId: string): MeterState | undefined;
  all(): IterableIterator<MeterState>;
  /** Zones in which there are or were meters. */
  readonly zones: ReadonlySet<string>;
  /** Numbers a meter that is new, and channels that are; answers what the store is to be told of them. */
  number(meter: MeterState, channels: Iterable<Omit<StoredChannel, "index">>): StoredMeter;
  /** There are master data of it that do not count yet: nothing but admission sees them. */
  announce(meterId: string): void;
  readonly announced: ReadonlySet<string>;
  /** Whether there are master data of it, counting or not. */
  isRegistered(meterId: string): boolean;
  /** Takes over master data; answers whether the meter's snapshots may change by it. */
  register(record: RegisteredMeter): MeterState;
  /** The meter's newest master data cannot be read; what was known before is not relied on. */
  registerDamaged(meterId: string): MeterState;
}

export async function openKnownMeters(
  store: Pick<SeriesStore, "progress" | "meters" | "meterNoNext">,
  defaultZone: string,
  rules: RuleBook = usualRules,
): Promise<KnownMeters> {
  const meters = new Map<string, MeterState>();
  const zones = new Set<string>();
  const announced = new Set<string>();
  const newRow = channelRows();
  let numbered = 0;
  let nextNo = store.meterNoNext;

  function meet(meterId: string): MeterState {
    let meter = meters.get(meterId);
    if (meter === undefined) {
      zones.add(defaultZone);
      meter = meterState(meterId, defaultZone, rules.usual);
      meters.set(meterId, meter);
    }
    return meter;
  }

  const layouts = sharedValues<MeterRecord["registers"]>(1000);
  const { newestAt } = store.progress;
  for await (const page of store.meters()) {
    for (const stored of page) {
      const meter = meet(stored.meterId);
      numbered += 1;
      adopt(meter, stored, newRow, newestAt);
      meter.needsStore = true;
      meter.issued = undefined;
    }
  }

  return {
    get size() {
      return meters.size;
    },
    get numbered() {
      return numbered;
    },
    meet,
    find: (meterId) => meters.get(meterId),
    all: () => meters.values(),
    zones,
    number(meter, channels) {
      const no = meter.no < 0 ? nextNo : meter.no;
      if (meter.no < 0) [nextNo, numbered] = [nextNo + 1, numbered + 1];
      const met = { no, meterId: meter.meterId, channels: numberedFrom(meter.channels.length, channels) };
      // A channel that is new on a meter that needs the store has no past either.
      adopt(meter, met, newRow, -1);
      return met;
    },
    announce: (meterId) => void announced.add(meterId),
    announced,
    isRegistered: (meterId) => meters.get(meterId)?.isRegistered === true || announced.has(meterId),
    register(known) {
      const record = inForce(known);
      const meter = meet(record.meterId);
      announced.delete(record.meterId);
      const { registers } = record;
      meter.isRegistered = true;
      meter.recordDamaged = false;
      const judgedBefore = judgedBy(meter.record);
      const rulesBefore = meter.rules;
      meter.rules = rulesOfMeter(rules, known);
      meter.record = {
        ...record,
        meterId: meter.meterId,
        registers: layouts(JSON.stringify(registers), () => registers),
      };
      const zone = record.zone ?? defaultZone;
      const isElsewhere = zone !== meter.calendar.zone;
      if (isElsewhere) {
        meter.calendar = localCalendar(zone);
        zones.add(zone);
      }
      // What was tidy under other master data need not be so under these.
      const isJudgedAnew = judgedBefore !== judgedBy(record) || rulesBefore !== meter.rules;
      if (isElsewhere || (meter.channels.length > 0 && isJudgedAnew)) forgetMeter(meter, -1);
      return meter;
    },
    registerDamaged(meterId) {
      announced.delete(meterId);
      return Object.assign(meet(meterId), { isRegistered: true, recordDamaged: true });
    },
  };
}

function numberedFrom(first: number, channels: Iterable<Omit<StoredChannel, "index">>): StoredChannel[] {
  return Array.from(channels, ({ register, kind, unit, stepSeconds, first: reading }, index) => {
    return { register, kind, unit, stepSeconds, first: reading, index: first + index };
  });
}

/** What a value is compared with when it comes: the connection's power, and what is multiplied by what. */
function judgedBy(record: Pick<MeterRecord, "registers" | "connectionPowerW"> | undefined): string {
  const multiplied = record?.registers.filter(({ multiplier = 1 }) => multiplier !== 1) ?? [];
  return JSON.stringify([
    record?.connectionPowerW,
    multiplied.map(({ register, multiplier }) => [register, multiplier]),
  ]);
}
