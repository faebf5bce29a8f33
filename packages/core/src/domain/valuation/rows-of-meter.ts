import type { ReadingSeries } from "../reading/reading.ts";
import { emptyColumns, originOf, pushReading } from "../reading/reading.ts";
import { begins, installationsOf } from "../registry/installations.ts";
import type { MeterRecord } from "../registry/meter-record.ts";
import { isTimed, recordIn, recordOfMonth } from "../registry/record-of-month.ts";
import type { Stretch } from "../registry/register-stretches.ts";
import { chainsOf, stretchesOf } from "../registry/register-stretches.ts";
import type { RegisteredMeter } from "../registry/registered-meter.ts";
import { cutWithin, deadFrom } from "../registry/supply-status.ts";
import type { Finding } from "../snapshot/finding.ts";
import { findingsWithin } from "../snapshot/finding.ts";
import type { RegisterSnapshot } from "../snapshot/snapshot.ts";
import { joined } from "../time/stretches.ts";
import { coverIntervals } from "./cover/cover-intervals.ts";
import { intervalRow } from "./interval-row.ts";
import type { JudgedIntervals } from "./judge/judge-intervals.ts";
import type { JudgedBy, JudgedLine } from "./judged-channels.ts";
import { judgedLine, judgedProfile } from "./judged-channels.ts";
import type { KnownChannel, RegisterSpec } from "./known-meter.ts";
import { registerSpec } from "./known-meter.ts";
import type { RegisterLine } from "./line/register-line.ts";
import type { IssuedClosing, Month, Part } from "./month.ts";
import { partOf } from "./month.ts";
import { usedWhileCut } from "./month-rules/v03-inactive-point.ts";
import { isContradicted } from "./month-rules/v18-contradicted-spike.ts";
import { recordOfChain, withKnown } from "./move-values.ts";
import type { EstimatedFrom, RowPlace } from "./register-row.ts";
import { installedAs, registerRow } from "./register-row.ts";
import { splitAt } from "./split-intervals.ts";
import type { ValuationRules } from "./valuation-rules.ts";

/** A channel with its readings. */
export type Stored = Pick<KnownChannel, "channel" | "readings">;

/** A row for each register and unit, by the whole engine: judged, put on a line, closed. */
export function rowsOf(
  record: RegisteredMeter | undefined,
  channels: readonly Stored[],
  month: Month,
  rules: ValuationRules,
): RegisterSnapshot[] {
  const groups = Map.groupBy(channels, ({ channel }) => `${channel.register}|${channel.unit}`);
  return [...groups.values()].flatMap((group) => rowsOfRegister(record, group, month, rules));
}

/** One for each part of the month in which the register was at one usage point and counted with one multiplier. */
export function rowsOfRegister(
  record: RegisteredMeter | undefined,
  group: readonly Stored[],
  month: Month,
  rules: ValuationRules,
): readonly RegisterSnapshot[] {
  if (record === undefined || !isTimed(record)) return [rowOf(record, group, month, rules)];
  const [{ channel }] = group as [Stored];
  const stretches = stretchesOf(record, channel.register, month.span);
  const ofMonth = recordOfMonth(record, month.span);
  if (stretches.length === 0) return [rowOf(ofMonth, group, month, rules)];
  const rows: RegisterSnapshot[] = [];
  const judgedIn = judgedByChain(record, group, cutsOf(stretches), rules);
  for (const stretch of stretches) {
    const judged = judgedIn(stretch);
    const place = placeOf(record, stretch, { channel, month, before: rows.at(-1), line: judged.judged?.line, rules });
    const row = rowAt({ ...place, judged }, channel, month, rules);
    const { usagePointId } = stretch.installation;
    rows.push(usagePointId === ofMonth?.usagePointId ? row : { ...row, usagePointId });
  }
  return rows;
}

/** The lines of a register: one for each chain of installations. */
export function linesOf(
  record: RegisteredMeter | undefined,
  stored: Stored,
  rules: ValuationRules,
): readonly JudgedLine[] {
  const { register } = stored.channel;
  if (record === undefined || !isTimed(record)) {
    return [judgedLine(stored.readings, register, { record, spec: registerSpec(record, register, rules), rules })];
  }
  return chainsOf(installationsOf(record), register).map((chain) => {
    const ofChain = recordOfChain(record, chain);
    const by = { record: ofChain, spec: registerSpec(ofChain, register, rules), rules };
    return judgedLine(withKnown(stored, chain.known).readings, register, by);
  });
}

/** Where the register counted on from one part to the next. */
function cutsOf(stretches: readonly Stretch[]): readonly number[] {
  return stretches.slice(1).flatMap(({ from, isJoined }) => (isJoined ? [from] : []));
}

/** What was read in installations that follow each other at once is judged together, and is one line. */
function judgedByChain(
  record: RegisteredMeter,
  group: readonly Stored[],
  cuts: readonly number[],
  rules: ValuationRules,
): (stretch: Stretch) => JudgedGroup {
  const [{ channel }] = group as [Stored];
  const known = new Map<Stretch["chain"], JudgedGroup>();
  return ({ chain }) => {
    let found = known.get(chain);
    if (found === undefined) {
      const ofChain = recordOfChain(record, chain);
      const spec = registerSpec(ofChain, channel.register, rules);
      const told = group.map((one) => (one.channel.kind === "register" ? withKnown(one, chain.known) : one));
      const { intervals, ...judged } = judgeGroup(told, { record: ofChain, spec, rules });
      found = { ...judged, intervals: splitAt(intervals, cuts) };
      known.set(chain, found);
    }
    return found;
  };
}

interface PlaceOf {
  readonly channel: KnownChannel["channel"];
  readonly month: Month;
  /** The row of the stretch before. */
  readonly before: RegisterSnapshot | undefined;
  readonly line: RegisterLine | undefined;
  readonly rules: ValuationRules;
}

function placeOf(record: RegisteredMeter, stretch: Stretch, of: PlaceOf): Omit<PlacedRow, "judged"> {
  const { installation, chain, from, to, isJoined } = stretch;
  const { register, unit } = of.channel;
  const { span, previous } = of.month;
  const plain = recordIn(record, installation, { from, to });
  const spec = registerSpec(plain, register, of.rules);
  const at = begins(installation);
  const told = chain.known.find((one) => one.at === at);
  // What the readings on both sides contradict closes no row, so it opens none.
  const isDoubted = told !== undefined && of.line !== undefined && !of.line.at.includes(at);
  const value = isDoubted ? undefined : (told?.value ?? installation.installed?.values[register]);
  const mayOpen = value !== undefined && (at === from || from === span.start);
  const installed = mayOpen ? { at, value } : undefined;
  const isCut = of.before !== undefined && isJoined && installed === undefined;
  const issued = previous.find((row) => row.register === register && row.unit === unit);
  const opensWith = isCut ? of.before : isJoined && of.before === undefined ? issued : undefined;
  return { record: plain, spec, part: { from, to }, installed, isCut, previous: opensWith };
}

interface PlacedRow extends RowPlace {
  /** As of this part. */
  readonly record: MeterRecord | undefined;
  readonly spec: RegisterSpec;
  readonly judged: JudgedGroup;
  readonly previous: IssuedClosing | undefined;
}

/** @param group the channels of one register and unit */
function rowOf(
  record: MeterRecord | undefined,
  group: readonly Stored[],
  month: Month,
  rules: ValuationRules,
): RegisterSnapshot {
  const { span, previous } = month;
  const [{ channel }] = group as [Stored];
  const { register, unit } = channel;
  const spec = registerSpec(record, register, rules);
  const judged = judgeGroup(group, { record, spec, rules });
  const known = previous.find((row) => row.register === register && row.unit === unit);
  const installed = installedAs(record, register);
  const place = { record, spec, part: partOf(span, record), installed, isCut: false, previous: known };
  return rowAt({ ...place, judged }, channel, month, rules);
}

function rowAt(
  place: PlacedRow,
  channel: KnownChannel["channel"],
  month: Month,
  rules: ValuationRules,
): RegisterSnapshot {
  const { span } = month;
  const { register, unit } = channel;
  const { record, spec, part, judged: of, previous } = place;
  const from = estimatedFrom(month, channel, record);
  const outages = record?.outages;
  const { totals, judged, intervals, findings } = of;
  const cover = intervals.length === 0 ? undefined : coverIntervals(intervals, part.from, part.to, outages);
  if (totals === undefined && cover !== undefined) {
    const shown = findingsWithin(findings, part);
    const row = intervalRow({ register, unit, spec, cover, outages, findings: shown, past: from }, part, span, rules);
    return withCuts(row, { line: undefined, intervals }, part, { record, spec, rules });
  }
  const { line } = judged ?? judgedLine(emptyColumns(), register, { record, spec, rules });
  const past = { register, unit, spec, record, line, findings, intervals, cover, outages, previous, past: from };
  const row = registerRow({ ...past, reach: "complete", place }, span, rules);
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

interface JudgedGroup {
  readonly totals: Stored | undefined;
  readonly judged: JudgedLine | undefined;
  readonly intervals: readonly ReadingSeries[];
  readonly findings: readonly Finding[];
}

function judgeGroup(group: readonly Stored[], by: JudgedBy): JudgedGroup {
  const totals = group.find((one) => one.channel.kind === "register");
  const judged = totals && judgedLine(totals.readings, totals.channel.register, by);
  const profiles = group
    .filter((one) => one.channel.kind === "interval")
    .map((one) => judgedProfile(one.channel, one.readings, by))
    .map((one) => (judged === undefined ? one : withoutContradicted(one, judged.line, by.rules)));
  const findings = together([...(judged === undefined ? [] : [judged]), ...profiles]);
  return { totals, judged, intervals: profiles.map(({ series }) => series), findings };
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
