import { groupKinds, readGroupId } from "@meterbook/core/domain/group/group-members";
import type { GroupPoint, GroupResolution, SummedPart } from "@meterbook/core/domain/group/sum-curve";
import { groupCurve, groupResolutions, storedResolution } from "@meterbook/core/domain/group/sum-curve";
import type { BaseUnit } from "@meterbook/core/domain/reading/reading";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { DayRange } from "@meterbook/core/ports/group-sums";
import { readSummedSteps } from "@meterbook/core/records/sums/register-day-record";
import { z } from "zod";
import type { ApiContext } from "../api-context.ts";
import { ApiProblem } from "../http/problems/problem.ts";
import { instant } from "../http/requests/query-schemas.ts";

export const groupId = z
  .string()
  .max(80)
  .meta({
    description: "`fleet`, `feeder:F-12`, `supplier:…`, `group:…`; `measures:F-12`: the meters that measure a feeder",
    examples: ["fleet"],
  });

export const rangeFields = {
  from: instant("Start of the range", "2026-09-30T21:00:00Z"),
  to: instant("End of the range", "2026-10-31T22:00:00Z"),
  resolution: z
    .enum(groupResolutions)
    .default("PT1H")
    .meta({ description: "Days and months are those of the default zone" }),
};

export interface GroupRange {
  readonly from: number;
  readonly to: number;
  readonly resolution: GroupResolution;
}

/** Of whom nothing can be read nothing is known: the others count all the same. */
export function ifDamaged(error: unknown): undefined {
  if (error instanceof AdapterError && error.code === "record_damaged") return undefined;
  throw error;
}

export const groupPointSchema = z
  .strictObject({
    from: z.string().meta({ format: "date-time" }),
    to: z.string().meta({ format: "date-time" }),
    consumption: z
      .int()
      .min(0)
      .nullable()
      .meta({ description: "Base units, of those that are present, times their multipliers; null where nobody is" }),
    expected: z.int().meta({ description: "Meters that have the register; of a month meters times days" }),
    present: z.int().meta({ description: "Those of them of which the step is known" }),
    estimated: z.int().meta({ description: "Those of the present ones whose step was derived or estimated" }),
  })
  .meta({ id: "GroupPoint" });

export const groupPointExample = {
  from: "2026-10-31T21:00:00Z",
  to: "2026-10-31T22:00:00Z",
  consumption: 41_200,
  expected: 100,
  present: 98,
  estimated: 1,
};

export function groupPointJson({ from, to, ...rest }: GroupPoint): z.infer<typeof groupPointSchema> {
  return { from: formatInstant(from), to: formatInstant(to), ...rest };
}

/** @throws ApiProblem `group_unknown` */
export async function knownGroup({ ports }: ApiContext, id: string) {
  const name = readGroupId(id);
  if (name === undefined) {
    const kinds = groupKinds.filter((kind) => kind !== "fleet").join(", ");
    throw new ApiProblem("group_unknown", `${id.slice(0, 80)}: a group is fleet, or one of ${kinds} with : and a name`);
  }
  const found = await ports.groupSums.group(id);
  if (found === undefined) throw new ApiProblem("group_unknown", `nobody is or was in ${id}`);
  return { ...name, ...found };
}

/**
 * All who are in a group now. @throws ApiProblem `group_too_large` where they are more than are named
 */
export async function namedMembers({ ports }: ApiContext, id: string, meters: number): Promise<readonly string[]> {
  const meterIds = await ports.groupSums.memberIds(id);
  if (meterIds.length >= meters) return meterIds;
  const detail = `${id} has ${meters} meters, and not all are named: ask for a feeder or a smaller group`;
  throw new ApiProblem("group_too_large", detail);
}

export interface ReadGroup {
  readonly unit: BaseUnit;
  readonly points: readonly GroupPoint[];
}

/** The curve of a group from its days; nothing of it where the group has no such register. */
export async function readGroup(
  { ports, timeZone }: ApiContext,
  id: string,
  register: string,
  range: GroupRange,
): Promise<ReadGroup> {
  const calendar = localCalendar(timeZone);
  const found = await ports.groupSums.days(id, register, daysOf(range, timeZone));
  // A register is counted in one unit; where meters disagree, the sum is of those that the first day begins with.
  const unit = found[0]?.unit ?? "Wh";
  const parts: SummedPart[] = [];
  for (const day of found) {
    const read = day.unit === unit ? readSummedSteps(day.sums, storedResolution(range.resolution)) : undefined;
    if (read !== undefined) parts.push({ day: day.day, ...read });
  }
  return { unit, points: groupCurve(parts, range.resolution, range, calendar) };
}

/** The days whose sums an answer is made of. */
export function daysOf({ from, to, resolution }: GroupRange, timeZone: string): DayRange {
  const calendar = localCalendar(timeZone);
  if (resolution !== "P1M") return { from: calendar.dayOf(from), to: calendar.dayOf(to - 1) };
  const [first, last] = [calendar.periodOf(from), calendar.periodOf(to - 1)];
  return { from: calendar.startOf(first), to: calendar.dayOf(calendar.boundaryOf(last) - 1) };
}

/** How many days of an answer are still to be summed anew. */
export async function pendingDays({ ports, timeZone }: ApiContext, range: GroupRange): Promise<number> {
  const calendar = localCalendar(timeZone);
  const days = daysOf(range, timeZone);
  const pending = await ports.groupSums.pending(days);
  const found = new Set<number>();
  for (const { from, to } of pending) {
    let day = calendar.dayOf(Math.max(from, days.from));
    for (; day <= Math.min(to, days.to); day = calendar.addDays(day, 1)) found.add(day);
  }
  return found.size;
}

export const pendingSchema = z
  .int()
  .meta({ description: "Days of the range that have changed and are still to be summed anew" });
