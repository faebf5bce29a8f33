import type { ReadingCode } from "@meterbook/core/domain/reading/reading";
import {
  baseUnits,
  doorFindings,
  findingsOf,
  flagsOf,
  kinds,
  meterFlags,
  originOf,
  origins,
  qualityOf,
  readingQualities,
  revisionOf,
} from "@meterbook/core/domain/reading/reading";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { knownMeter } from "../api-context.ts";
import { csvRow } from "../http/answers/csv-cell.ts";
import { cursorForm } from "../http/answers/cursor.ts";
import type { List } from "../http/answers/list-answer.ts";
import { answerList } from "../http/answers/list-answer.ts";
import { textEncoder } from "../http/answers/row-encoder.ts";
import { listAnswers } from "../http/documentation/documented.ts";
import { requestInvalid } from "../http/problems/problem.ts";
import { cursor, instant, limit, meterId, register } from "../http/requests/query-schemas.ts";
import { readingId } from "./reading-id.ts";
import type { ReadingPlace, StoredReading } from "./reading-pages.ts";
import { channelsOf, readingPages } from "./reading-pages.ts";

const cursors = cursorForm("readings", z.tuple([z.int(), z.int()]));

export const readingSchema = z
  .strictObject({
    at: z.string().meta({ format: "date-time", description: "The instant of a register; the END of an interval" }),
    register: z.string(),
    kind: z.enum(kinds),
    stepSeconds: z.int().optional().meta({ description: "Length of the interval; intervals only" }),
    value: z.int(),
    unit: z.enum(baseUnits),
    quality: z.enum(readingQualities),
    origin: z.enum(origins),
    revision: z.int().optional().meta({ description: "As the source said; absent where it said none, or 0" }),
    flags: z.array(z.enum(meterFlags)).optional().meta({ description: "What the meter said of itself" }),
    findings: z.array(z.enum(doorFindings)).optional().meta({ description: "What was found when it was received" }),
    id: z.string().meta({ description: "meterId/register/kind/step/at/value" }),
  })
  .meta({ id: "Reading" });

const example = {
  at: "2026-10-31T22:00:00Z",
  register: "1.8.0",
  kind: "register",
  value: 12_345_678,
  unit: "Wh",
  quality: "actual",
  origin: "remote",
  id: "m-1/1.8.0/register/0/2026-10-31T22:00:00Z/12345678",
};
const header = "meter_id,at,register,kind,step_seconds,value,unit,quality,origin,revision,flags,findings,id\n";

const querystring = z.strictObject({
  from: instant("The first instant; from the first reading where absent", "2026-09-30T21:00:00Z").optional(),
  to: instant("The end, itself not included; up to the newest reading where absent", "2026-10-31T22:00:00Z").optional(),
  register: register.optional(),
  limit,
  cursor,
});

export function readingRoutes(app: Api, context: ApiContext): void {
  const { ports, streams, limits } = context;
  const schema = {
    tags: ["analysis"],
    summary: "Stored readings of a meter",
    description: "Ordered by instant, then by channel. `from <= at < to`.",
    params: z.strictObject({ meterId }),
    querystring,
    response: listAnswers(
      "Readings",
      readingSchema,
      example,
      `${header}m-1,2026-10-31T22:00:00Z,1.8.0,register,,12345678,Wh,actual,remote,0,,,m-1/1.8.0/register/0/2026-10-31T22:00:00Z/12345678\n`,
      ["meter_unknown", "register_unknown", "store_damaged"],
    ),
  };
  app.get("/v1/meters/:meterId/readings", { schema }, async (request, reply) => {
    const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY, register: of, ...page } = request.query;
    if (from >= to) throw requestInvalid([{ field: "to", message: "must be after from" }]);
    const meter = await knownMeter(context, request.params.meterId);
    const scope = meter.meterId;
    const place = page.cursor === undefined ? undefined : cursors.decode(scope, page.cursor);
    const channels = of === undefined ? (meter.stored?.channels ?? []) : channelsOf(meter, of);
    const list: List<StoredReading, ReadingPlace> = {
      placeOf: ({ at, channel }) => [at, channel.index],
      pages: (after) => readingPages(ports.series, { meterId: scope, channels, from, to }, after),
      json: (reading) => readingJson(scope, reading),
      csv: () => textEncoder((reading) => readingRow(scope, reading), header),
    };
    return answerList(request, reply, streams, list, {
      limit: page.limit,
      place,
      cursors,
      scope,
      exportPage: limits.exportPage,
    });
  });
}

function readingJson(meter: string, { at, channel, value, code }: StoredReading): z.infer<typeof readingSchema> {
  const { register: of, kind, unit, stepSeconds } = channel;
  const step = kind === "interval" ? { stepSeconds } : {};
  return {
    at: formatInstant(at),
    register: of,
    kind,
    ...step,
    value,
    unit,
    quality: qualityOf(code),
    origin: originOf(code),
    ...saidOf(code),
    id: readingId(meter, channel, { at, value, code }),
  };
}

type Said = Pick<z.infer<typeof readingSchema>, "revision" | "flags" | "findings">;

function saidOf(code: ReadingCode): Said {
  const [revision, flags, findings] = [revisionOf(code), flagsOf(code), findingsOf(code)];
  return {
    ...(revision === 0 ? {} : { revision }),
    ...(flags.length === 0 ? {} : { flags }),
    ...(findings.length === 0 ? {} : { findings }),
  };
}

function readingRow(meter: string, { at, channel, value, code }: StoredReading): string {
  const { register: of, kind, unit, stepSeconds } = channel;
  return csvRow([
    meter,
    formatInstant(at),
    of,
    kind,
    kind === "interval" ? stepSeconds : "",
    value,
    unit,
    qualityOf(code),
    originOf(code),
    revisionOf(code),
    flagsOf(code).join(" "),
    findingsOf(code).join(" "),
    readingId(meter, channel, { at, value, code }),
  ]);
}
