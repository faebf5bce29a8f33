import type { Columns } from "../reading/reading.ts";
import { emptyColumns, pushReading, readingCode } from "../reading/reading.ts";
import { begins } from "../registry/installations.ts";
import type { Installation, MeterRecord } from "../registry/meter-record.ts";
import type { Chain, KnownValue } from "../registry/register-stretches.ts";
import type { RegisteredMeter } from "../registry/registered-meter.ts";
import { supplyAt } from "../registry/registered-meter.ts";
import type { Dated } from "../registry/usage-point.ts";
import type { KnownChannel } from "./known-meter.ts";

/** By what readings of installations that follow each other at once are judged: as if they were one. */
export function recordOfChain(record: RegisteredMeter, { installations }: Chain): MeterRecord {
  const { earlier: _e, installed: _i, removed: _r, powers: _p, statuses: _s, ...rest } = record;
  const [first, last] = [installations[0], installations.at(-1)];
  const { statuses } = supplyAt(record, last?.usagePointId ?? record.usagePointId);
  const powers = installations.flatMap(({ usagePointId }, index): readonly Dated<number>[] => {
    const place = installations[index] as Chain["installations"][number];
    const from = index === 0 ? 0 : begins(place);
    return powersFrom(supplyAt(record, usagePointId).powers, from);
  });
  return {
    ...rest,
    ...(first?.installed === undefined ? {} : { installed: first.installed }),
    ...(last?.removed === undefined ? {} : { removed: last.removed }),
    ...(powers.length === 0 ? {} : { powers: powers.sort((a, b) => a.validFrom - b.validFrom) }),
    // A place that is no more says nothing of the places where its meter was before.
    ...(statuses === undefined ? {} : { statuses: statusesFrom(statuses, last) }),
  };
}

function statusesFrom(statuses: NonNullable<MeterRecord["statuses"]>, place: Installation | undefined) {
  const since = place === undefined ? 0 : begins(place);
  return statuses.map(({ value, validFrom }) => ({ value, validFrom: Math.max(validFrom, since) }));
}

/** What holds at an instant, and what follows. */
function powersFrom(powers: readonly Dated<number>[], from: number): readonly Dated<number>[] {
  const held = powers.findLast(({ validFrom }) => validFrom <= from) ?? powers[0];
  if (held === undefined) return [];
  return [{ validFrom: from, value: held.value }, ...powers.filter(({ validFrom }) => validFrom > from)];
}

type Told = Pick<KnownChannel, "channel" | "readings">;

/** What the fitters read when they moved the meter stands in the place of what it reported at that instant. */
export function withKnown(one: Told, known: readonly KnownValue[]): Told {
  return known.length === 0 ? one : { ...one, readings: merged(one.readings, known) };
}

/** Actual, by an operator: as sure as master data. */
const knownCode = readingCode("actual", "operator");

function merged(readings: Columns, known: readonly KnownValue[]): Columns {
  const columns = emptyColumns();
  let next = 0;
  const pushKnown = (upTo: number) => {
    for (let one = known[next]; one !== undefined && one.at <= upTo; one = known[next]) {
      pushReading(columns, one.at, one.value, knownCode);
      next += 1;
    }
  };
  readings.at.forEach((at, i) => {
    pushKnown(at);
    if (columns.at.at(-1) === at) return;
    pushReading(columns, at, readings.value[i] as number, readings.code[i] as number);
  });
  pushKnown(Number.POSITIVE_INFINITY);
  return columns;
}
