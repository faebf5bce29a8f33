import { isUndoubted, type JudgedReadings } from "@meterbook/core/domain/curve/judged-curve";
import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { codeMarks, emptyColumns, originOf, readingCode, revisionOf } from "@meterbook/core/domain/reading/reading";
import { judgedProfile } from "@meterbook/core/domain/valuation/judged-channels";
import { registerSpec } from "@meterbook/core/domain/valuation/known-meter";
import { linesOf } from "@meterbook/core/domain/valuation/rows-of-meter";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { SeriesReader } from "@meterbook/core/ports/series-store";
import type { CurveSource } from "./curve-source.ts";

interface Span {
  readonly from: number;
  readonly to: number;
}

/** Read around a span at first: most meters have some readings in it. */
const nearSeconds = 2 * 86_400;

/**
 * The readings of a register in a span, and some around it, judged as a month's are. A reading is doubted by those on
 * both sides. So it is read further where there are few near the span, or where something is doubted.
 */
export async function judgedReadings(series: SeriesReader, source: CurveSource, span: Span): Promise<JudgedReadings> {
  const { rules } = source;
  const near = await judgedWithin(series, source, span, { before: nearSeconds, after: nearSeconds });
  const far = rules.lookBackSecondsMax;
  const { at } = near.readings;
  const isSparse = (found: readonly number[]) => found.length <= rules.glitchReadingsMax;
  const isDoubted = !isUndoubted(near);
  const before = isDoubted || isSparse(at.filter((one) => one < span.from)) ? far : nearSeconds;
  const after = isDoubted || isSparse(at.filter((one) => one > span.to)) ? far : nearSeconds;
  if (before === nearSeconds && after === nearSeconds) return near;
  return judgedWithin(series, source, span, { before, after });
}

async function judgedWithin(
  series: SeriesReader,
  source: CurveSource,
  { from, to }: Span,
  { before, after }: { readonly before: number; readonly after: number },
): Promise<JudgedReadings> {
  // What is damaged beside the span says nothing of it, and keeps nobody from seeing it.
  const readings =
    (await readColumns(series, source, { from: from - before, to: to + after }).catch(unlessDamaged)) ??
    (await readColumns(series, source, { from, to })) ??
    emptyColumns();
  const [{ index: _, first: __, ...channel }] = source.channels;
  return { readings, lines: linesOf(source.record, { channel, readings }, source.rules).map(({ line }) => line) };
}

async function readColumns(series: SeriesReader, { meterId, channels }: CurveSource, span: Span) {
  const [found = emptyColumns()] = await series.read(meterId, { ...span, channels: [channels[0].index] });
  return found;
}

function unlessDamaged(error: unknown): undefined {
  if (error instanceof AdapterError && error.code === "store_damaged") return undefined;
  throw error;
}

/** Intervals of a channel, of which those are marked as suspect that no connection can have carried (V17, V03). */
export function markedIntervals(one: ReadingSeries, { record, rules }: CurveSource): ReadingSeries {
  const { register } = one.channel;
  const spec = registerSpec(record, register, rules);
  if (spec.hourlyMax === undefined && spec.limits === undefined && record?.statuses === undefined) return one;
  const { series } = judgedProfile(one.channel, one, { record, spec, rules });
  if (series.at.length === one.at.length) return one;
  const believed = new Set(series.at);
  return {
    ...one,
    code: one.code.map((code, index) => (believed.has(one.at[index] as number) ? code : suspect(code))),
  };
}

function suspect(code: number): number {
  return readingCode("suspect", originOf(code), { marks: codeMarks(code), revision: revisionOf(code) });
}
