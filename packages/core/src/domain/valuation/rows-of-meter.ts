import type { ReadingSeries } from "../reading/reading.ts";
import { emptyColumns, originOf, pushReading } from "../reading/reading.ts";
import type { MeterRecord } from "../registry/meter-record.ts";
import { cutWithin, deadFrom } from "../registry/supply-status.ts";
import type { Finding } from "../snapshot/finding.ts";
import { findingsWithin } from "../snapshot/finding.ts";
import type { RegisterSnapshot } from "../snapshot/snapshot.ts";
import { joined } from "../time/stretches.ts";
import { coverIntervals } from "./cover/cover-intervals.ts";
import { intervalRow } from "./interval-row.ts";
import type { JudgedIntervals } from "./judge/judge-intervals.ts";
import type { JudgedBy } from "./judged-channels.ts";
import { judgedLine, judgedProfile } from "./judged-channels.ts";
import type { KnownChannel } from "./known-meter.ts";
import { registerSpec } from "./known-meter.ts";
import type { RegisterLine } from "./line/register-line.ts";
import type { Month, Part } from "./month.ts";
import { partOf } from "./month.ts";
import { usedWhileCut } from "./month-rules/v03-inactive-point.ts";
import { isContradicted } from "./month-rules/v18-contradicted-spike.ts";
import type { EstimatedFrom } from "./register-row.ts";
import { registerRow } from "./register-row.ts";
import type { ValuationRules } from "./valuation-rules.ts";

/** A channel with its readings. */
export type Stored = Pick<KnownChannel, "channel" | "readings">;

/** A row for each register and unit, by the whole engine: judged, put on a line, closed. */
export function rowsOf(
  record: MeterRecord | undefined,
  channels: readonly Stored[],
  month: Month,
  rules: ValuationRules,
): RegisterSnapshot[] {
  const groups = Map.groupBy(channels, ({ channel }) => `${channel.register}|${channel.unit}`);
  return [...groups.values()].map((group) => rowOf(record, group, month, rules));
}

/** @param group the channels of one register and unit */
export function rowOf(
  record: MeterRecord | undefined,
  group: readonly Stored[],
  month: Month,
  rules: ValuationRules,
): RegisterSnapshot {
  const { span, previous } = month;
  const [{ channel }] = group as [Stored];
  const { register, unit } = channel;
  const spec = registerSpec(record, register, rules);
  const part = partOf(span, record);
  const from = estimatedFrom(month, channel, record);
  const outages = record?.outages;
  const { totals, judged, profiles } = judgeGroup(group, { record, spec, rules });
  const intervals = profiles.map(({ series }) => series);
  const cover = intervals.length === 0 ? undefined : coverIntervals(intervals, part.from, part.to, outages);
  const findings = together([...(judged === undefined ? [] : [judged]), ...profiles]);
  if (totals === undefined && cover !== undefined) {
    const shown = findingsWithin(findings, part);
    const row = intervalRow({ register, unit, spec, cover, outages, findings: shown, past: from }, part, span, rules);
    return withCuts(row, { line: undefined, intervals }, part, { record, spec, rules });
  }
  const { line } = judged ?? judgedLine(emptyColumns(), register, { record, spec, rules });
  const known = previous.find((row) => row.register === register && row.unit === unit);
  const past = { register, unit, spec, record, line, findings, intervals, cover, outages, previous: known, past: from };
  const row = registerRow({ ...past, reach: "complete" }, span, rules);
  return withCuts(row, { line, intervals }, part, { record, spec, rules });
}

/** What a month is estimated from that nothing follows: what the register used before, and when it had no supply. */
function estimatedFrom(
  { period, span, history, outages = [] }: Month,
  { register, unit }: KnownChannel["channel"],
  record: MeterRecord | undefined,
): EstimatedFrom | undefined {
  if (history === undefined) return undefined;
  const { statuses } = record ?? {};
  const cuts = cutWithin(statuses, { from: span.start - cutsSecondsBack, to: span.boundary });
  const dead = { from: Math.min(span.boundary, deadFrom(statuses)), to: span.boundary };
  const own = history.filter((one) => one.register === register && one.unit === unit);
  return { period, history: own, outages: joined([...outages, ...(record?.outages ?? []), ...cuts, dead]) };
}

/** As far back as the history goes. */
const cutsSecondsBack = 500 * 86_400;

function judgeGroup(group: readonly Stored[], by: JudgedBy) {
  const totals = group.find((one) => one.channel.kind === "register");
  const judged = totals && judgedLine(totals.readings, totals.channel.register, by);
  const profiles = group
    .filter((one) => one.channel.kind === "interval")
    .map((one) => judgedProfile(one.channel, one.readings, by))
    .map((one) => (judged === undefined ? one : withoutContradicted(one, judged.line, by.rules)));
  return { totals, judged, profiles };
}

/** V18: a spike that the register contradicts takes no part in a value. */
function withoutContradicted(profile: JudgedIntervals, line: RegisterLine, rules: ValuationRules): JudgedIntervals {
  const spikes = new Set(profile.findings.filter(({ rule }) => rule === "V18").map(({ at }) => at));
  if (spikes.size === 0) return profile;
  const { series } = profile;
  const { stepSeconds } = series.channel;
  const kept = emptyColumns();
  series.at.forEach((at, i) => {
    const amount = series.value[i] as number;
    const isDecided = originOf(series.code[i] as number) === "operator";
    const isOut =
      !isDecided && spikes.has(at) && isContradicted(line, { from: at - stepSeconds, to: at, amount }, rules);
    if (!isOut) pushReading(kept, at, amount, series.code[i] as number);
  });
  return { ...profile, series: { channel: series.channel, ...kept } };
}

function together(judged: readonly { readonly findings: readonly Finding[] }[]): readonly Finding[] {
  const said = judged.filter(({ findings }) => findings.length > 0);
  if (said.length < 2) return said[0]?.findings ?? [];
  return said.flatMap(({ findings }) => findings).sort((a, b) => a.at - b.at);
}

/** V03: what was used where the supply was cut is for a person to decide. The register's value stands. */
function withCuts(
  row: RegisterSnapshot,
  known: { readonly line: RegisterLine | undefined; readonly intervals: readonly ReadingSeries[] },
  part: Part,
  { record, rules }: JudgedBy,
): RegisterSnapshot {
  const cuts = cutWithin(record?.statuses, part);
  const at = cuts.length === 0 ? undefined : usedWhileCut(known, cuts, rules);
  if (at === undefined) return row;
  const findings = [{ rule: "V03" as const, at }, ...row.findings];
  const held = { ...row, findings };
  if (row.consumption === null) return held;
  return { ...held, consumption: null, quality: "suspect", fault: "point_inactive", estimate: null };
}
