import { type ChannelReadings, findGaps } from "@meterbook/core/domain/gap/find-gaps";
import type { SequenceGaps } from "@meterbook/core/domain/gap/meter-gaps";
import { channelKey } from "@meterbook/core/domain/reading/reading";
import { formatInstantMs } from "@meterbook/core/domain/time/instant";
import type { SeriesReader } from "@meterbook/core/ports/series-store";
import { z } from "zod";
import { type Api, type ApiContext, type KnownMeter, knownMeter, withSoundRecord } from "../api-context.ts";
import { csvRow } from "../http/answers/csv-cell.ts";
import { cursorForm } from "../http/answers/cursor.ts";
import { answerList, type List } from "../http/answers/list-answer.ts";
import { textEncoder } from "../http/answers/row-encoder.ts";
import { listAnswers, pageOf, withJson } from "../http/documentation/documented.ts";
import { ApiProblem, requestInvalid } from "../http/problems/problem.ts";
import { cursor, instant, limit, meterId } from "../http/requests/query-schemas.ts";
import {
  gapCells,
  gapExample,
  gapFields,
  gapHeader,
  gapJson,
  gapRowExample,
  type ShownGap,
  withStory,
} from "./gap-json.ts";

const cursors = cursorForm("gaps", z.int().min(0));

export const gapSchema = z.strictObject(gapFields).meta({ id: "Gap" });

const reports = z.strictObject({
  gaps: z.int().meta({ description: "How often numbers were left out" }),
  missing: z.int().meta({ description: "How many in all, less those that came late" }),
  after: z.int().meta({ description: "The newest time: the number before" }),
  next: z.int().meta({ description: "and the number after" }),
  at: z.string().meta({ format: "date-time", description: "When that one came" }),
});

const pageSchema = pageOf(gapSchema).extend({
  reports: reports.nullable().meta({ description: "Reports that the meter numbered (`sequence`) and that never came" }),
});

/** Columns are only ever added at the end. */
const header = `${gapHeader},in_outage\n`;

const daySeconds = 86_400;
const rangeDaysMax = 400;
/** Read before the range, so that a meter's habit is known. */
const habitSeconds = 40 * daySeconds;
/** At a time. */
const readSeconds = 64 * daySeconds;
/** A reading that is due may be on its way for so long. */
const waySeconds = 600;

const description = `Ascending in \`from\`. Intervals are expected without pause, in whatever step they come. A register
is expected at the step of the master data where it has no intervals, else as the meter usually reports it. Nothing is
expected before the installation (or the first reading, where none is known) nor after the removal. A gap that goes on
ends at the last reading that is due. What was missing and has come since is shown for some weeks, with \`answered\`. At
most ${rangeDaysMax} days.`;

const querystring = z.strictObject({
  from: instant("Start; the beginning of the month before this where absent", "2026-09-30T21:00:00Z").optional(),
  to: instant("End; now where absent or later", "2026-10-31T22:00:00Z").optional(),
  limit,
  cursor,
});

export function gapRoutes(app: Api, context: ApiContext): void {
  const { ports, streams, limits } = context;
  const csvExample = `${header}${gapRowExample},false\n`;
  const problems = ["meter_unknown", "range_too_long", "store_damaged", "record_damaged"] as const;
  const schema = {
    tags: ["analysis"],
    summary: "What a meter was expected to report and did not",
    description,
    params: z.strictObject({ meterId }),
    querystring,
    response: withJson(listAnswers("Gaps", gapSchema, gapExample, csvExample, problems), pageSchema, {
      items: [gapExample],
      reports: { gaps: 1, missing: 3, after: 41, next: 45, at: "2026-10-25T03:01:00Z" },
    }),
  };
  app.get("/v1/meters/:meterId/gaps", { schema }, async (request, reply) => {
    const meter = withSoundRecord(await knownMeter(context, request.params.meterId));
    const range = rangeOf(meter, request.query, ports.clock.nowMs() / 1000);
    const scope = `${meter.meterId} ${request.query.from ?? ""} ${request.query.to ?? ""}`;
    const place = request.query.cursor === undefined ? undefined : cursors.decode(scope, request.query.cursor);
    const known = await ports.gaps.get(meter.meterId);
    const list: List<PlacedGap, number> = {
      placeOf: ({ place: of }) => of,
      async *pages(after = -1) {
        const gaps = withStory(await gapsOf(ports.series, meter, range), known?.gaps ?? [], range);
        yield gaps.map((gap, index) => ({ gap, place: index })).slice(after + 1);
      },
      more: () => ({ reports: reportsJson(known?.sequence ?? null) }),
      json: ({ gap }) => gapJson(meter.meterId, gap),
      csv: () =>
        textEncoder(({ gap }) => csvRow([...gapCells(meter.meterId, gap), String(gap.inOutage === true)]), header),
    };
    const asked = { limit: request.query.limit, place, cursors, scope, exportPage: limits.exportPage };
    return answerList(request, reply, streams, list, asked);
  });
}

function reportsJson(sequence: SequenceGaps | null): z.infer<typeof reports> | null {
  if (sequence === null) return null;
  const { atMs, ...numbers } = sequence;
  return { ...numbers, at: formatInstantMs(atMs) };
}

interface PlacedGap {
  readonly gap: ShownGap;
  readonly place: number;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

interface Asked {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

function rangeOf({ calendar }: KnownMeter, asked: Asked, now: number): Range {
  const due = Math.floor(now) - waySeconds;
  const from = asked.from ?? calendar.startOf(calendar.periodOf(now) - 1);
  const to = asked.to ?? Math.max(due, from + 1);
  if (from >= to) throw requestInvalid([{ field: "to", message: "must be after from" }]);
  const days = Math.ceil((to - from) / daySeconds);
  if (days > rangeDaysMax)
    throw new ApiProblem("range_too_long", `from, to: ${days} days; at most ${rangeDaysMax} in one request`);
  return { from, to: Math.min(to, due) };
}

async function gapsOf(series: SeriesReader, { meterId: of, stored, record }: KnownMeter, range: Range) {
  if (range.from >= range.to) return [];
  const channels = new Map(
    (stored?.channels ?? []).map((channel) => {
      const at: number[] = [];
      return [channelKey(channel), { channel, firstAt: channel.first.at, at }] as const;
    }),
  );
  for await (const { channel, at } of instantsOf(series, of, range)) channels.get(channelKey(channel))?.at.push(...at);
  return findGaps([...channels.values()], record, { ...range, silentSeconds: 0 });
}

/** An interval may begin within the range and end behind it. */
async function* instantsOf(
  series: SeriesReader,
  of: string,
  { from, to }: Range,
): AsyncGenerator<Pick<ChannelReadings, "channel" | "at">> {
  const end = to + 32 * daySeconds;
  for (let start = from - habitSeconds; start <= end; start += readSeconds) {
    const stretch = { from: start, to: Math.min(start + readSeconds - 1, end) };
    for (const one of await series.read(of, stretch)) yield one;
  }
}
