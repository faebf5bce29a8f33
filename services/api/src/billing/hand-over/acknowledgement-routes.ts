import { type Acknowledgement, comparedFields, differencesOf } from "@meterbook/core/domain/billing/acknowledgement";
import { baseAmount } from "@meterbook/core/domain/quantity/amount";
import { idPattern } from "@meterbook/core/domain/reading/identifiers";
import { parsePeriod, type Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { z } from "zod";
import type { Api, ApiContext } from "../../api-context.ts";
import { callerName } from "../../http/access/access.ts";
import { answers } from "../../http/documentation/documented.ts";
import { register } from "../../http/requests/query-schemas.ts";
import { ifDamaged } from "../../registry/set-meters.ts";

const linesMax = 1000;
const refusals = ["snapshot_unknown", "revision_unknown", "kwh_invalid", "line_differs", "record_damaged"] as const;
type Refusal = (typeof refusals)[number];

const whole = (description: string) => z.int().min(0).nullable().optional().meta({ description });
const lineSchema = z
  .strictObject({
    snapshot: z
      .string()
      .max(90)
      .meta({ description: "The revision that was used, as its `id` says", examples: ["m-1/2026-10/2"] }),
    invoice: z.string().min(1).max(128),
    register: register.default("1.8.0"),
    opening: whole("Base units, as billing used it"),
    closing: whole("Base units, as billing used it"),
    kWh: z
      .union([z.string(), z.number()])
      .nullable()
      .optional()
      .meta({ description: "What was billed; of registers in kvarh or m3 that amount" }),
    amount: z
      .string()
      .regex(/^-?\d{1,15}(\.\d{1,6})?$/, "a decimal number as text, such as 1234.56")
      .nullable()
      .optional(),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, "three letters of ISO 4217")
      .nullable()
      .optional(),
  })
  .meta({ id: "BillingLine" });
type Line = z.output<typeof lineSchema>;

const resultSchema = z
  .strictObject({
    index: z.int(),
    snapshot: z.string(),
    status: z
      .enum(["recorded", "known", "refused"])
      .meta({ description: "`known`: the same line was there; nothing changed" }),
    code: z.enum(refusals).optional().meta({ description: "Why it was refused" }),
    differences: z
      .array(z.enum(comparedFields))
      .optional()
      .meta({ description: "What billing used and the revision does not say" }),
    newest: z.int().optional().meta({ description: "There is a later revision: a correction is to be billed" }),
  })
  .meta({ id: "AcknowledgedLine" });

export const acknowledgedSchema = z.strictObject({
  recorded: z.int(),
  known: z.int(),
  refused: z.int(),
  results: z.array(resultSchema),
});

const example = {
  ...{ recorded: 1, known: 0, refused: 1 },
  results: [
    { index: 0, snapshot: "m-1/2026-10/2", status: "recorded", newest: 3 },
    { index: 1, snapshot: "m-9/2026-10/1", status: "refused", code: "snapshot_unknown" },
  ],
};

const description = `Billing says which revisions it used, so that everybody sees what was handed over, and what has to
be corrected. Each line is one register of one invoice. A line that is sent again changes nothing. Another one under the
same invoice is refused (\`line_differs\`). Lines are kept for ever. At most ${linesMax} in a call.`;

export function acknowledgementRoutes(app: Api, context: ApiContext): void {
  const schema = {
    tags: ["billing"],
    summary: "What billing used",
    description,
    querystring: z.strictObject({}),
    body: z.strictObject({ items: z.array(lineSchema).min(1).max(linesMax) }).meta({ id: "BillingLines" }),
    response: answers("What became of each line", acknowledgedSchema, example),
  };
  app.post("/v1/billing/acknowledgements", { schema }, async (request) => {
    const at = { acknowledgedAtMs: context.ports.clock.nowMs(), by: callerName(request) };
    const judged: Judged[] = [];
    for (const line of request.body.items) judged.push(await judge(context, line, at));
    return told(request.body.items, judged, await record(context, judged));
  });
}

/** A line and the revision that it names, or why it is refused. */
type Judged =
  | { readonly line: Acknowledgement; readonly issued: Snapshot; readonly newest: number }
  | { readonly refusal: Refusal };

type Said = Pick<Acknowledgement, "acknowledgedAtMs" | "by">;

async function judge({ ports }: ApiContext, line: Line, said: Said): Promise<Judged> {
  const [, meterId = "", month = "", revision = ""] = /^([^/]+)\/(\d{4}-\d{2})\/(\d{1,6})$/.exec(line.snapshot) ?? [];
  const period = parsePeriod(month);
  if (period === undefined || !idPattern.test(meterId)) return { refusal: "snapshot_unknown" };
  const newest = await ports.snapshots.find(meterId, period).catch(ifDamaged);
  if (newest === "damaged") return { refusal: "record_damaged" };
  if (newest === undefined) return { refusal: "snapshot_unknown" };
  const wanted = Number(revision);
  const isNewest = wanted === newest.revision;
  const issued = isNewest ? newest : await ports.snapshots.find(meterId, period, wanted).catch(ifDamaged);
  if (issued === "damaged") return { refusal: "record_damaged" };
  if (issued === undefined) return { refusal: "revision_unknown" };
  const consumption = consumptionOf(line, issued);
  if (consumption === undefined) return { refusal: "kwh_invalid" };
  const { invoice, opening = null, closing = null, amount = null, currency = null } = line;
  const key = { meterId, period, revision: wanted, register: line.register, invoice };
  return {
    line: { ...key, opening, closing, consumption, amount, currency, ...said },
    issued,
    newest: newest.revision,
  };
}

/** Undefined where it is no amount. */
function consumptionOf({ kWh, register: of }: Line, { registers }: Snapshot): number | null | undefined {
  if (kWh === undefined || kWh === null) return null;
  const unit = registers.find((row) => row.register === of)?.unit ?? "Wh";
  return baseAmount(kWh, unit === "L" ? "m3" : unit === "varh" ? "kvarh" : "kWh");
}

async function record({ ports }: ApiContext, judged: readonly Judged[]) {
  const lines = judged.flatMap((one) => ("line" in one ? [one.line] : []));
  const outcomes = await ports.billing.record(lines);
  return new Map(lines.map((line, index) => [line, outcomes[index] ?? "differs"]));
}

function told(
  sent: readonly Line[],
  judged: readonly Judged[],
  outcomes: Awaited<ReturnType<typeof record>>,
): z.infer<typeof acknowledgedSchema> {
  const counts = { recorded: 0, known: 0, refused: 0 };
  const results = judged.map((one, index): z.infer<typeof resultSchema> => {
    const { snapshot } = sent[index] as Line;
    const outcome = "line" in one ? (outcomes.get(one.line) ?? "differs") : "differs";
    if (!("line" in one) || outcome === "differs") {
      counts.refused += 1;
      return { index, snapshot, status: "refused", code: "refusal" in one ? one.refusal : "line_differs" };
    }
    counts[outcome] += 1;
    const differences = differencesOf(one.line, one.issued);
    return {
      ...{ index, snapshot, status: outcome },
      ...(differences.length === 0 ? {} : { differences: [...differences] }),
      ...(one.newest > one.line.revision ? { newest: one.newest } : {}),
    };
  });
  return { ...counts, results };
}
