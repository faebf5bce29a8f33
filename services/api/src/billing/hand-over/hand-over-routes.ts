import { periodName } from "@meterbook/core/domain/snapshot/snapshot";
import { formatInstantMs } from "@meterbook/core/domain/time/instant";
import { z } from "zod";
import type { Api, ApiContext } from "../../api-context.ts";
import { callerName } from "../../http/access/access.ts";
import { answers } from "../../http/documentation/documented.ts";
import { period } from "../../http/requests/query-schemas.ts";
import { boardStreams, type StreamTimes, usualStreamTimes } from "./board-streams.ts";
import { type Freshness, keptHandOvers } from "./keep-hand-over.ts";
import type { HandOver } from "./read-hand-over.ts";

const count = z.int().min(0);
export const handOverSchema = z
  .strictObject({
    period: z.string(),
    meters: count.meta({ description: "Of which billing has used a revision" }),
    waiting: count.meta({ description: "That are issued and of which billing has used nothing" }),
    toCorrect: count.meta({ description: "Of which billing used an earlier revision than the newest" }),
    lines: count,
    invoices: count,
    newestAt: z.string().optional().meta({ format: "date-time", description: "When billing said something last" }),
  })
  .meta({ id: "HandOver" });

const counts = { meters: 98, waiting: 2, toCorrect: 1, lines: 196, invoices: 98 };
const example = { period: "2026-10", ...counts, newestAt: "2026-11-05T08:00:00Z" };
const params = z.strictObject({ period });

/** @param boardOf what `GET /v1/periods/{period}` answers */
export function handOverRoutes(
  app: Api,
  context: ApiContext,
  boardOf: (period: number) => Promise<object>,
  times: StreamTimes = usualStreamTimes,
): void {
  const kept = keptHandOvers(context.ports);
  const handOverOf = async (of: number, freshness: Freshness) => handOverJson(of, await kept(of, freshness));
  const schema = {
    tags: ["billing"],
    summary: "What of a month billing has used",
    params,
    querystring: z.strictObject({}),
    response: answers("The hand-over", handOverSchema, example, ["period_invalid"]),
  };
  app.get("/v1/periods/:period/hand-over", { schema }, (request) => handOverOf(request.params.period, "as of now"));
  const streams = boardStreams(times);
  // Before anything is waited for: a stream never ends of its own.
  app.addHook("preClose", async () => streams.close());
  const events = {
    tags: ["billing"],
    summary: "How a month stands, whenever it changes",
    description: `Server-sent events (\`text/event-stream\`). Each \`board\` event has \`period\`, which is what
\`GET /v1/periods/{period}\` answers, and \`handOver\`. A comment comes every ${times.heartbeatMs / 1000} s. The stream ends after ${times.lastsMs / 60_000} minutes, and a browser asks again by itself.`,
    params,
    querystring: z.strictObject({}),
    response: {
      ...answers("The events", handOverSchema, example, ["period_invalid", "too_many_streams"]),
      200: {
        description: "The events",
        content: { "text/event-stream": { schema: z.string(), example: eventExample } },
      },
    },
  };
  app.get("/v1/periods/:period/events", { schema: events, exposeHeadRoute: false }, async (request, reply) => {
    const of = request.params.period;
    const read = async () => ({ period: await boardOf(of), handOver: await handOverOf(of, "soon") });
    streams.add(periodName(of), `${callerName(request)} ${request.ip}`, reply.raw, read);
    reply.hijack();
    return reply;
  });
}

const eventExample = 'event: board\ndata: {"period":{"period":"2026-10","state":"final"},"handOver":{"meters":98}}\n\n';

function handOverJson(of: number, { newestAtMs, meters, waiting, toCorrect, lines, invoices }: HandOver) {
  return {
    ...{ period: periodName(of), meters, waiting, toCorrect, lines, invoices },
    ...(newestAtMs === 0 ? {} : { newestAt: formatInstantMs(newestAtMs) }),
  };
}
