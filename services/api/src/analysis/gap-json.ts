import type { FoundGap } from "@meterbook/core/domain/gap/find-gaps";
import { type Gap, overlaps } from "@meterbook/core/domain/gap/meter-gaps";
import { baseUnits, kinds } from "@meterbook/core/domain/reading/reading";
import { formatInstant, formatInstantMs } from "@meterbook/core/domain/time/instant";
import { z } from "zod";

/** A gap as it is shown: found now, or kept. */
export type ShownGap = FoundGap & { readonly [Field in "sinceMs" | "asked" | "answeredAtMs"]: Gap[Field] | null };

const dateTime = z.string();

export const gapFields = {
  meterId: z.string(),
  register: z.string(),
  kind: z.enum(kinds),
  stepSeconds: z.int().optional().meta({ description: "Length of the intervals that are missing; intervals only" }),
  unit: z.enum(baseUnits),
  from: dateTime.meta({
    format: "date-time",
    description: "Where the missing intervals begin; of a register its last reading before",
  }),
  to: dateTime.meta({
    format: "date-time",
    description: "Where they end; of a register its first reading after. Of a gap that goes on, as far as was looked",
  }),
  missing: z.int().meta({ description: "How many readings were expected and are not there" }),
  goesOn: z.boolean().meta({ description: "Nothing has come since" }),
  since: dateTime.nullable().meta({ format: "date-time", description: "When it was noticed; null: just now" }),
  asked: z
    .strictObject({ times: z.int(), at: dateTime.meta({ format: "date-time", description: "The last time" }) })
    .nullable()
    .meta({ description: "How often the meter was asked for it" }),
  answered: dateTime.nullable().meta({ format: "date-time", description: "When nothing of it was missing any more" }),
  inOutage: z.boolean().meta({ description: "There was no supply in all of that time: the meter is not asked for it" }),
};

export const gapExample = {
  meterId: "m-1",
  register: "1.8.0",
  kind: "interval",
  stepSeconds: 900,
  unit: "Wh",
  from: "2026-10-24T21:00:00Z",
  to: "2026-10-25T03:00:00Z",
  missing: 24,
  goesOn: false,
  since: "2026-10-25T03:16:00Z",
  asked: { times: 1, at: "2026-10-25T03:27:00Z" },
  answered: null,
  inOutage: false,
};

export const gapHeader =
  "meter_id,register,kind,step_seconds,unit,from,to,missing,goes_on,since,asked_times,asked_at,answered";
export const gapRowExample =
  "m-1,1.8.0,interval,900,Wh,2026-10-24T21:00:00Z,2026-10-25T03:00:00Z,24,false,2026-10-25T03:16:00Z,1,2026-10-25T03:27:00Z,";

const gapObject = z.strictObject(gapFields);

export function gapJson(meterId: string, gap: ShownGap): z.infer<typeof gapObject> {
  const { register, kind, unit, stepSeconds, missing, goesOn, asked } = gap;
  return {
    meterId,
    register,
    kind,
    ...(kind === "interval" ? { stepSeconds } : {}),
    unit,
    from: formatInstant(gap.from),
    to: formatInstant(gap.to),
    missing,
    goesOn,
    since: gap.sinceMs === null ? null : formatInstantMs(gap.sinceMs),
    asked: asked === null ? null : { times: asked.times, at: formatInstantMs(asked.atMs) },
    answered: gap.answeredAtMs === null ? null : formatInstantMs(gap.answeredAtMs),
    inOutage: gap.inOutage === true,
  };
}

export function gapCells(meterId: string, gap: ShownGap): (string | number)[] {
  const { register, kind, stepSeconds = "", unit, from, to, missing, goesOn, ...story } = gapJson(meterId, gap);
  const { since, asked, answered } = story;
  const channel = [meterId, register, kind, stepSeconds, unit];
  return [
    ...channel,
    from,
    to,
    missing,
    String(goesOn),
    since ?? "",
    asked?.times ?? "",
    asked?.at ?? "",
    answered ?? "",
  ];
}

/** What is found now with what is known of it, and what was answered within the range. */
export function withStory(
  found: readonly FoundGap[],
  known: readonly Gap[],
  range: { readonly from: number; readonly to: number },
): readonly ShownGap[] {
  const open = found.map((gap): ShownGap => {
    const before = known.find((one) => one.answeredAtMs === null && overlaps(one, gap));
    return { ...gap, sinceMs: before?.sinceMs ?? null, asked: before?.asked ?? null, answeredAtMs: null };
  });
  const answered = known.filter((gap) => {
    const isWithin = gap.from < range.to && gap.to > range.from;
    return gap.answeredAtMs !== null && isWithin && !found.some((one) => overlaps(one, gap));
  });
  return [...open, ...answered].sort((a, b) => a.from - b.from || a.to - b.to);
}
