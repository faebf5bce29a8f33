import { Socket } from "node:net";
import { isUnfinished } from "@meterbook/core/domain/job/job";
import { baseUnits } from "@meterbook/core/domain/reading/reading";
import { lifecycles, methods, periodName, snapshotQualities } from "@meterbook/core/domain/snapshot/snapshot";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import type { LocalCalendar } from "@meterbook/core/domain/time/local-calendar";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { callerName } from "../http/access/access.ts";
import { answers } from "../http/documentation/documented.ts";
import { period } from "../http/requests/query-schemas.ts";
import { closeJobs } from "./close-jobs.ts";
import { handOverRoutes } from "./hand-over/hand-over-routes.ts";
import { jobExample, jobJson, jobSchema } from "./job-json.ts";
import { refuseOpenPeriod } from "./open-period.ts";
import { periodSummaries } from "./period-summaries.ts";
import { type SilentMeters, silentMeters } from "./silent-meters.ts";
import type { PeriodSummary } from "./summarise-period.ts";

const count = z.int().min(0);
const instant = z.string().meta({ format: "date-time" });
const sum = z
  .string()
  .regex(/^\d+$/)
  .meta({ description: "A whole number as text: the sum over a fleet may pass what a JSON number holds" });

export const periodSchema = z
  .strictObject({
    period: z.string(),
    state: z.enum(["open", "provisional", "final"]).meta({ description: "By the clock, in the default zone" }),
    zone: z.string(),
    start: instant,
    boundary: instant,
    finalFrom: instant,
    meters: count,
    damaged: count.meta({
      description: "Meters whose newest revision cannot be read (GET /v1/damage); they are in no other number here",
    }),
    silent: count.nullable().meta({
      description:
        "Meters that were registered before the month's end and not removed before it began, that no record says are installed, and that were never heard of: no snapshot is made of them. null: not known yet, as the first count takes longer than an answer may. Their registers count in `completeness` as not measured, and nowhere else (`GET /v1/meters?registered=true&reported=false&installed=false`)",
    }),
    void: count.meta({ description: "Meters whose month was taken back; they count nowhere else but under `hash`" }),
    registers: count.meta({ description: "Rows of all snapshots" }),
    completeness: z.number().min(0).max(1).nullable().meta({
      description:
        "Share of rows with a usable value, of all rows and of the registers of `silent` meters once these are known; null where there are none",
    }),
    byLifecycle: z.partialRecord(z.enum(lifecycles), count),
    byQuality: z.partialRecord(z.enum(snapshotQualities), count),
    byMethod: z.partialRecord(z.enum(methods), count),
    controlTotals: z.array(
      z.strictObject({
        register: z.string(),
        unit: z.enum(baseUnits),
        rows: count,
        withoutConsumption: count,
        consumption: sum,
        value: sum,
      }),
    ),
    hash: z
      .string()
      .meta({ description: "SHA-256 over the snapshots' hashes in order of meter id, each followed by a line feed" }),
  })
  .meta({ id: "Period" });

const example = {
  period: "2026-10",
  state: "final",
  zone: "Europe/Kyiv",
  start: "2026-09-30T21:00:00Z",
  boundary: "2026-10-31T22:00:00Z",
  finalFrom: "2026-11-03T22:00:00Z",
  meters: 100,
  damaged: 0,
  silent: 0,
  void: 0,
  registers: 300,
  completeness: 0.99,
  byLifecycle: { final: 99, revised: 1 },
  byQuality: { actual: 290, derived: 7, missing: 3 },
  byMethod: { EXACT: 290, LINEAR_SHORT: 7, MISSING: 3 },
  controlTotals: [
    { register: "1.8.0", unit: "Wh", rows: 100, withoutConsumption: 1, consumption: "24567800", value: "1234567800" },
  ],
  hash: "sha256:0f343b0931126a20f133d67c2b018a3b1f25d8c0e7c8f4f5a4c1a0b7e0f6a5d4",
};

const listedSchema = periodSchema
  .pick({ period: true, state: true, zone: true, start: true, boundary: true, finalFrom: true })
  .extend({ meters: count.meta({ description: "Of which a snapshot was issued" }) })
  .meta({ id: "ListedPeriod" });
const listedExample = {
  ...{ period: "2026-10", state: "final", zone: "Europe/Kyiv", start: "2026-09-30T21:00:00Z" },
  ...{ boundary: "2026-10-31T22:00:00Z", finalFrom: "2026-11-03T22:00:00Z", meters: 100 },
};

export function periodRoutes(app: Api, context: ApiContext): void {
  const { ports, limits, timeZone } = context;
  const calendar = localCalendar(timeZone);
  const summaryOf = periodSummaries(ports.snapshots, limits.exportPage);
  const params = z.strictObject({ period });
  const read = {
    tags: ["billing"],
    summary: "How a month stands: state, completeness, control totals and hash",
    params,
    querystring: z.strictObject({}),
    response: answers("The period", periodSchema, example, ["period_invalid"]),
  };
  const silentOf = silentMeters(ports, limits.exportPage);
  const spanOf = (of: number) => ({ start: calendar.startOf(of), boundary: calendar.boundaryOf(of) });
  const boardOf = async (of: number) => {
    const [summary, silent] = await Promise.all([summaryOf(of), silentOf(spanOf(of))]);
    return periodJson(of, calendar, ports.clock.nowMs() / 1000, { summary, silent });
  };
  app.get("/v1/periods/:period", { schema: read }, (request) => boardOf(request.params.period));
  handOverRoutes(app, context, boardOf);
  listRoute(app, context, calendar);
  closeRoute(app, context, params);
}

function listRoute(app: Api, { ports }: ApiContext, calendar: LocalCalendar): void {
  const schema = {
    tags: ["billing"],
    summary: "The months: the open one, and back to the first of which anything was issued",
    description: "Newest first. `GET /v1/periods/{period}` has quality and totals of one.",
    querystring: z.strictObject({}),
    response: answers("The months", z.strictObject({ items: z.array(listedSchema) }), { items: [listedExample] }),
  };
  app.get("/v1/periods", { schema }, async () => {
    const now = ports.clock.nowMs() / 1000;
    const open = calendar.periodOf(now);
    const [first = open - 1] = await ports.snapshots.periods();
    const periods = Array.from({ length: Math.max(0, open - first) + 1 }, (_, back) => open - back);
    const meters = await Promise.all(periods.map((one) => ports.snapshots.issuedMeters(one)));
    return { items: periods.map((one, index) => ({ ...timesOf(one, calendar, now), meters: meters[index] ?? 0 })) };
  });
}

const waitSecondsMax = 600;

function closeRoute(app: Api, context: ApiContext, params: z.ZodObject<{ period: typeof period }>): void {
  const { limits } = context;
  const jobs = closeJobs(context.ports, limits.commandMs);
  app.addHook("onClose", () => jobs.close());
  const accepted = {
    description: "The job that does it",
    content: { "application/json": { schema: jobSchema, example: jobExample } },
  };
  const schema = {
    tags: ["operation"],
    summary: "Recompute a period now and issue what changed",
    description: `Does not wait for the settle time. What is not due by the clock is still not issued. The answer is 202 with a job: look at it with
\`GET /v1/jobs/{id}\` (the header \`Location\`) until it is \`done\`. With \`Prefer: wait=60\` the answer comes when the job has ended,
or after so many seconds (at most ${waitSecondsMax}); then it is 200.`,
    params,
    querystring: z.strictObject({}),
    response: {
      ...answers("The job, ended", jobSchema, jobExample, ["period_invalid", "period_open", "too_many_jobs"]),
      202: accepted,
    },
  };
  app.post("/v1/periods/:period/close", { schema }, async (request, reply) => {
    await refuseOpenPeriod(context, request.params.period, async () => false);
    const waitMs = waitOf(request.headers["prefer"]) * 1000;
    const { socket } = request.raw;
    // Until the next request on it; then the server's own bound holds again. A request without a socket has none.
    if (waitMs > 0 && socket instanceof Socket) socket.setTimeout(waitMs + answerMs);
    const job = await jobs.wait(await jobs.ask(request.params.period, callerName(request)), waitMs);
    reply.code((isUnfinished(job) ? 202 : 200) as 202).header("location", `/v1/jobs/${job.id}`);
    return jobJson(job);
  });
}

/** To send the answer of a close that took as long as somebody would wait. */
const answerMs = 10_000;

/** Seconds of \`Prefer: wait=…\` (RFC 7240); 0 where it is not asked for. */
function waitOf(prefer: string | string[] | undefined): number {
  const seconds = /(?:^|[,;\s])wait=(\d{1,6})(?:$|[,;\s])/i.exec(String(prefer ?? ""))?.[1];
  return Math.min(Number(seconds ?? 0), waitSecondsMax);
}

function timesOf(of: number, calendar: LocalCalendar, now: number) {
  const state = now < calendar.boundaryOf(of) ? "open" : now < calendar.finalFrom(of) ? "provisional" : "final";
  return {
    period: periodName(of),
    state: state as "open" | "provisional" | "final",
    zone: calendar.zone,
    start: formatInstant(calendar.startOf(of)),
    boundary: formatInstant(calendar.boundaryOf(of)),
    finalFrom: formatInstant(calendar.finalFrom(of)),
  };
}

function periodJson(
  of: number,
  calendar: LocalCalendar,
  now: number,
  { summary, silent }: { readonly summary: PeriodSummary; readonly silent: SilentMeters | undefined },
): z.infer<typeof periodSchema> {
  const { usable, controlTotals, ...counts } = summary;
  const expected = summary.registers + (silent?.registers ?? 0);
  return {
    ...timesOf(of, calendar, now),
    ...counts,
    silent: silent?.meters ?? null,
    completeness: expected === 0 ? null : usable / expected,
    controlTotals: controlTotals.map(({ consumption, value, unit, ...total }) => ({
      ...total,
      unit: unit as (typeof baseUnits)[number],
      consumption: String(consumption),
      value: String(value),
    })),
  };
}
