import { Socket } from "node:net";
import { formatInstant } from "@meterbook/core/domain/instant";
import type { LocalCalendar } from "@meterbook/core/domain/local-calendar";
import { localCalendar } from "@meterbook/core/domain/local-calendar";
import { baseUnits } from "@meterbook/core/domain/reading";
import { lifecycles, methods, periodName, snapshotQualities } from "@meterbook/core/domain/snapshot";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { closeWhatWaits } from "../close-period.ts";
import { answers } from "../documented.ts";
import { refuseOpenPeriod } from "../open-period.ts";
import { periodSummaries } from "../period-summaries.ts";
import { ApiProblem } from "../problem.ts";
import { period } from "../query-schemas.ts";
import type { PeriodSummary } from "../summarise-period.ts";

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
    void: count.meta({ description: "Meters whose month was taken back; they count nowhere else but under `hash`" }),
    registers: count.meta({ description: "Rows of all snapshots" }),
    completeness: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .meta({ description: "Share of rows with a usable value; null where there are none" }),
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

const namedMax = 100;

export const closeSchema = z.strictObject({
  period: z.string(),
  issued: count.meta({ description: "Meters whose snapshot of the period stands now, whoever issued it" }),
  beside: count.meta({ description: "Those of them of which this call issued nothing, because it was issued before" }),
  heldBack: count.meta({ description: "Meters that cannot be issued until damage is mended (GET /v1/damage)" }),
  heldBackMeters: z.array(z.string()).meta({ description: `Which they are, the first ${namedMax} of them` }),
  waiting: count.meta({ description: "Meters that still wait to be recomputed; with heldBack 0, none was left out" }),
});

const closeExample = {
  period: "2026-10",
  issued: 100,
  beside: 3,
  heldBack: 1,
  heldBackMeters: ["m-17"],
  waiting: 0,
};

const example = {
  period: "2026-10",
  state: "final",
  zone: "Europe/Kyiv",
  start: "2026-09-30T21:00:00Z",
  boundary: "2026-10-31T22:00:00Z",
  finalFrom: "2026-11-03T22:00:00Z",
  meters: 100,
  damaged: 0,
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

/** To send the answer of a close that took as long as it may. */
const answerMs = 10_000;

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
  app.get("/v1/periods/:period", { schema: read }, async (request) => {
    const of = request.params.period;
    return periodJson(of, calendar, ports.clock.nowMs() / 1000, await summaryOf(of));
  });
  const closing = {
    tags: ["operation"],
    summary: "Recompute a period now and issue what changed",
    description: "Does not wait for the settle time. What is not due by the clock is still not issued.",
    params,
    querystring: z.strictObject({}),
    response: answers("What stands, and what was done for it", closeSchema, closeExample, [
      "period_invalid",
      "period_open",
      "close_unanswered",
    ]),
  };
  app.post("/v1/periods/:period/close", { schema: closing }, async (request) => {
    const of = request.params.period;
    await refuseOpenPeriod(context, of, async () => false);
    const { socket } = request.raw;
    // Until the next request on it; then the server's own bound holds again. A request without a socket has none.
    if (socket instanceof Socket) socket.setTimeout(limits.commandMs + answerMs);
    const before = await ports.snapshots.issuedMeters(of);
    await close(context);
    const [issued, { pending: waiting }, held] = await Promise.all([
      ports.snapshots.issuedMeters(of),
      ports.series.totals(),
      heldBackMeters(ports.damage),
    ]);
    const beside = Math.min(before, issued);
    const heldBack = { heldBack: held.length, heldBackMeters: held.slice(0, namedMax) };
    return { period: periodName(of), issued, beside, ...heldBack, waiting };
  });
}

const heldBackMax = 10_000;

/** Whoever holds them back has told of their damage. */
async function heldBackMeters(damage: DamageLog): Promise<string[]> {
  const entries = await damage.unmended({ place: "series", limit: heldBackMax });
  return [...new Set(entries.flatMap(({ meterId }) => meterId ?? []))].sort();
}

async function close({ ports, limits }: ApiContext): Promise<void> {
  try {
    await closeWhatWaits(ports, limits.commandMs);
  } catch (cause) {
    if (cause instanceof AdapterError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    const detail = `${why}. It is still under way; asking again does no harm`;
    throw new ApiProblem("close_unanswered", detail, { cause });
  }
}

function periodJson(
  of: number,
  calendar: LocalCalendar,
  now: number,
  summary: PeriodSummary,
): z.infer<typeof periodSchema> {
  const state = now < calendar.boundaryOf(of) ? "open" : now < calendar.finalFrom(of) ? "provisional" : "final";
  const { usable, controlTotals, ...counts } = summary;
  return {
    period: periodName(of),
    state,
    zone: calendar.zone,
    start: formatInstant(calendar.startOf(of)),
    boundary: formatInstant(calendar.boundaryOf(of)),
    finalFrom: formatInstant(calendar.finalFrom(of)),
    ...counts,
    completeness: summary.registers === 0 ? null : usable / summary.registers,
    controlTotals: controlTotals.map(({ consumption, value, unit, ...total }) => ({
      ...total,
      unit: unit as (typeof baseUnits)[number],
      consumption: String(consumption),
      value: String(value),
    })),
  };
}
