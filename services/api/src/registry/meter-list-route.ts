import { formatInstant } from "@meterbook/core/domain/time/instant";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { cursorForm } from "../http/answers/cursor.ts";
import { answerList, type List } from "../http/answers/list-answer.ts";
import { textEncoder } from "../http/answers/row-encoder.ts";
import { listAnswers } from "../http/documentation/documented.ts";
import { isTable } from "../http/requests/answer-format.ts";
import { cursor, flag, limit } from "../http/requests/query-schemas.ts";
import { type FleetMeter, knownMeters, stepsOfKnownMeters } from "./fleet-meters.ts";
import { meterCsvHeader, meterCsvRows } from "./meter-csv.ts";
import { meterRecordJson } from "./meter-record-json.ts";
import { recordExample, registeredMeterSchema } from "./meter-routes.ts";

const cursors = cursorForm("meters", z.string());

export const listedMeterSchema = registeredMeterSchema
  .extend({
    registered: z.boolean().meta({ description: "false: the meter reports and has no record" }),
    reported: z.boolean().meta({ description: "false: no reading of it was ever stored" }),
    lastReadingAt: z.string().nullable().meta({
      format: "date-time",
      description: "The instant of its newest reading; null where there is none, or what says so is damaged",
    }),
  })
  .meta({ id: "ListedMeter" });

const example = { ...recordExample, registered: true, reported: true, lastReadingAt: "2026-11-10T11:45:00Z" };

const description = `Every meter that is registered or reports. Those that only report have the defaults of a record. The
CSV, and the files that are made of it, hold registered meters only and no readings: it is what \`POST /v1/meters:import\`
takes. With \`registered=false\` they have no rows. The newest reading is looked up for the meters of a page alone. With a
filter a page can be short, or empty, and have a \`nextCursor\` all the same: so many meters were passed over. The list
ends where there is no \`nextCursor\`.`;

/** The record that a meter has that nobody has registered. */
function recordOf({ meterId, record }: FleetMeter) {
  return record ?? { meterId, usagePointId: meterId, registers: [] };
}

function listedJson(meter: FleetMeter): z.infer<typeof listedMeterSchema> {
  const { record, hasReported, newestAt } = meter;
  return {
    ...meterRecordJson(recordOf(meter)),
    registered: record !== undefined,
    reported: hasReported,
    lastReadingAt: newestAt === undefined ? null : formatInstant(newestAt),
  };
}

export function meterListRoute(app: Api, { ports, streams, limits }: ApiContext): void {
  const schema = {
    tags: ["meters"],
    summary: "All meters, ordered by meter id, with their newest reading",
    description,
    querystring: z.strictObject({
      registered: flag(
        "`true`: only those that have a record. `false`: only those that report and have none",
      ).optional(),
      reported: flag("`true`: only those that have readings. `false`: only those that were never heard of").optional(),
      installed: flag("`false`: only those of which no record says since when they are installed").optional(),
      limit,
      cursor,
    }),
    response: listAnswers(
      "Meters",
      listedMeterSchema,
      example,
      `${meterCsvHeader}m-1,up-1,Europe/Kyiv,900,15000,2026-01-15T08:00:00Z,,1.8.0,Wh,6,1,12000,\n`,
    ),
  };
  app.get("/v1/meters", { schema }, async (request, reply) => {
    const { limit: atMost, cursor: sent, ...asked } = request.query;
    const scope = JSON.stringify(asked);
    const place = sent === undefined ? undefined : cursors.decode(scope, sent);
    const wanted = isTable(request.headers.accept) ? { registered: true, ...asked, withoutNewest: true } : asked;
    const isFiltered = [wanted.registered, wanted.reported, wanted.installed].some((one) => one !== undefined);
    async function* steps(after: string | undefined, foundMax: number) {
      const size = { size: limits.exportPage, foundMax };
      for await (const { meters: entries, end } of stepsOfKnownMeters(ports, wanted, after, size))
        yield { entries, end };
    }
    const meters: List<FleetMeter, string> = {
      placeOf: ({ meterId: id }) => id,
      // Where most may be passed over they are walked in large steps.
      pages: (after, size) => knownMeters(ports, wanted, after, isFiltered ? limits.exportPage : size),
      ...(isFiltered ? { steps } : {}),
      json: listedJson,
      csv: () => textEncoder(({ record }) => (record === undefined ? "" : meterCsvRows(record)), meterCsvHeader),
    };
    const page = { limit: atMost, place, cursors, scope, exportPage: limits.exportPage };
    return answerList(request, reply, streams, meters, page);
  });
}
