import type { Resolution } from "@meterbook/core/domain/curve/curve-steps";
import type { BaseUnit, Kind } from "@meterbook/core/domain/reading/reading";
import { inForce } from "@meterbook/core/domain/registry/registered-meter";
import { snapshotQualities } from "@meterbook/core/domain/snapshot/snapshot";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import { rulesOfMeter } from "@meterbook/core/domain/valuation/rule-book";
import type { SeriesReader, StoredChannel } from "@meterbook/core/ports/series-store";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { z } from "zod";
import type { ApiContext, KnownMeter } from "../../api-context.ts";
import { ApiProblem, requestInvalid } from "../../http/problems/problem.ts";
import { channelsOf } from "../reading-pages.ts";
import type { CurveRange } from "./curve-pages.ts";
import { curvePages } from "./curve-pages.ts";
import type { CurveSource } from "./curve-source.ts";
import type { MonthPoint } from "./month-pages.ts";
import { monthPages } from "./month-pages.ts";

const daySeconds = 86_400;
/** A range and the year before it in one answer: two years of quarter hours are 70 176 points. */
const clockDaysMax = 800;
export const rangeDaysMax: Readonly<Record<Resolution, number>> = {
  native: clockDaysMax,
  PT15M: clockDaysMax,
  PT30M: clockDaysMax,
  PT1H: clockDaysMax,
  P1D: 4000,
  P1M: 4000,
};

export const curvePointSchema = z
  .strictObject({
    from: z.string().meta({ format: "date-time" }),
    to: z.string().meta({ format: "date-time" }),
    consumption: z
      .int()
      .min(0)
      .nullable()
      .meta({ description: "Base units, times the multiplier; null where it is not known" }),
    quality: z.enum(snapshotQualities),
    present: z.int().optional().meta({ description: "Intervals that are there, of a step that is incomplete" }),
    expected: z.int().optional(),
    snapshot: z.string().optional().meta({ description: "Months that were issued: the revision that says so" }),
  })
  .meta({ id: "CurvePoint" });

export const curveHeader = "meter_id,register,unit,from,to,consumption,quality,present,expected,snapshot\n";
export const curveCsvExample = `${curveHeader}m-1,1.8.0,Wh,2026-10-31T21:00:00Z,2026-10-31T22:00:00Z,412,actual,,,\n`;

export const curveProblems = [
  "range_too_long",
  "meter_unknown",
  "register_unknown",
  "store_damaged",
  "record_damaged",
] as const;

/** @throws ApiProblem `request_invalid`, `range_too_long` */
export function checkRange({ from, to, resolution }: CurveRange, daysMax = rangeDaysMax[resolution]): void {
  if (from >= to) throw requestInvalid([{ field: "to", message: "must be after from" }]);
  const days = Math.ceil((to - from) / daySeconds);
  if (days > daysMax)
    throw new ApiProblem(
      "range_too_long",
      `from, to: ${days} days; ${resolution} takes at most ${daysMax} days in one request`,
    );
}

interface Wanted {
  readonly kind?: Kind | undefined;
  readonly unit?: BaseUnit | undefined;
}

/** @throws ApiProblem `register_unknown` */
export function curveSource(
  { rules }: Pick<ApiContext, "rules">,
  meter: KnownMeter,
  register: string,
  { kind, unit }: Wanted,
): CurveSource {
  const all = inUnit(meter.meterId, channelsOf(meter, register), unit);
  const wanted = kind ?? (all.some((channel) => channel.kind === "interval") ? "interval" : "register");
  const ofKind = all.filter((channel) => channel.kind === wanted);
  const [first, ...rest] = ofKind;
  if (first === undefined) {
    throw new ApiProblem(
      "register_unknown",
      `meter ${meter.meterId} has no ${wanted} channel of ${register}, only the other kind`,
    );
  }
  return {
    meterId: meter.meterId,
    channels: [first, ...rest],
    calendar: meter.calendar,
    multiplier: meter.record?.registers.find((entry) => entry.register === register)?.multiplier ?? 1,
    record: meter.record && inForce(meter.record),
    rules: rulesOfMeter(rules, meter.record),
  };
}

/** @throws ApiProblem `register_unknown` with the units that there are */
function inUnit(meterId: string, all: readonly StoredChannel[], unit: BaseUnit | undefined): readonly StoredChannel[] {
  const oldest = all.reduce((one, other) => (other.first.at < one.first.at ? other : one), all[0] as StoredChannel);
  const wanted = unit ?? oldest.unit;
  const found = all.filter((channel) => channel.unit === wanted);
  if (found.length > 0) return found;
  const known = [...new Set(all.map((channel) => channel.unit))].join(", ");
  throw new ApiProblem("register_unknown", `meter ${meterId} counts ${oldest.register} in ${known}, not in ${wanted}`);
}

/** Months have what was issued, unless one kind of channel is asked for. */
export function issuedOrCounted(
  ports: { readonly series: SeriesReader; readonly snapshots: SnapshotView },
  source: CurveSource,
  range: CurveRange,
  kind: Kind | undefined,
): AsyncGenerator<readonly MonthPoint[]> {
  const isIssued = range.resolution === "P1M" && kind === undefined;
  return isIssued ? monthPages(ports, source, range) : curvePages(ports.series, source, range);
}

export function pointJson({ from, to, ...rest }: MonthPoint) {
  return { from: formatInstant(from), to: formatInstant(to), ...rest };
}

export function pointText({ from, to, consumption, quality, present, expected, snapshot }: MonthPoint): string {
  const counts = present === undefined ? "" : `,"present":${present},"expected":${expected}`;
  const issued = snapshot === undefined ? "" : `,"snapshot":"${snapshot}"`;
  return `{"from":"${formatInstant(from)}","to":"${formatInstant(to)}","consumption":${consumption},"quality":"${quality}"${counts}${issued}}`;
}

export function pointCells({ from, to, consumption, quality, present, expected, snapshot }: MonthPoint): string {
  const cells = [formatInstant(from), formatInstant(to), consumption ?? "", quality, present ?? "", expected ?? ""];
  return `${cells.join(",")},${snapshot ?? ""}\n`;
}
