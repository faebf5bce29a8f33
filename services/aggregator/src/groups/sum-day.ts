import { addMeterDay, addOverlappingDay, type RegisterDays } from "@meterbook/core/domain/group/add-meter-day";
import { type DayEdges, dayEdges, emptyRegisterDay, type RegisterDay } from "@meterbook/core/domain/group/day-sums";
import { groupsAt } from "@meterbook/core/domain/group/group-members";
import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import type { LocalCalendar } from "@meterbook/core/domain/time/local-calendar";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { type GroupDay, type GroupMembers, membersNamedMax } from "@meterbook/core/ports/group-sums";
import type { SeriesStore } from "@meterbook/core/ports/series-store";
import { encodeRegisterDay } from "@meterbook/core/records/sums/register-day-record";
import type { MeterState } from "../remember/meter-state.ts";
import { countsFrom } from "./changed-days.ts";

export interface SummedMeters {
  readonly series: Pick<SeriesStore, "readMany">;
  readonly calendar: LocalCalendar;
  readonly meters: readonly MeterState[];
  /** In the partition's turn. */
  run<Answer>(task: () => Promise<Answer>): Promise<Answer>;
  /** Lets others go first; answers whether to go on. */
  pause(workedMs: number): Promise<boolean>;
}

/** A batch waits no longer than for these to be read. */
const metersPerTurn = 50;

/** A day's sums of every group of the meters; undefined where it was given up. */
export async function sumDay(parts: SummedMeters, day: number): Promise<readonly GroupDay[] | undefined> {
  const edges = dayEdges(parts.calendar, day);
  const sums = groupSums(edges);
  const { meters } = parts;
  for (let next = 0; next < meters.length; ) {
    let workedMs = 0;
    next = await parts.run(async () => {
      const started = performance.now();
      const [some, after] = membersFrom(meters, next, edges);
      await addMeters(parts, some, edges, sums);
      workedMs = performance.now() - started;
      return after;
    });
    if (!(await parts.pause(workedMs))) return undefined;
  }
  return sums.all();
}

interface Member {
  readonly meter: MeterState;
  readonly groups: readonly string[];
}

/** Meters that count on the day, and where to go on. */
function membersFrom(
  meters: readonly MeterState[],
  from: number,
  { day, end }: DayEdges,
): [readonly Member[], next: number] {
  const found: Member[] = [];
  let next = from;
  // Those that do not count are passed by, and that takes time too.
  for (; next < meters.length && found.length < metersPerTurn && next - from < 100 * metersPerTurn; next += 1) {
    const meter = meters[next] as MeterState;
    const since = countsFrom(meter) ?? end;
    if (since >= end) continue;
    const groups = groupsAt(meter.record, Math.max(day, since));
    if (groups.length > 0) found.push({ meter, groups });
  }
  return [found, next];
}

async function addMeters(
  parts: SummedMeters,
  members: readonly Member[],
  edges: DayEdges,
  sums: GroupSumming,
): Promise<void> {
  const range = { from: edges.day, to: edges.end };
  const all = await readSound(parts.series, members, range);
  for (const [index, { meter, groups }] of members.entries()) {
    const summed = { channels: meter.channels.map(({ channel }) => channel), record: meter.record };
    const into = sums.of(groups);
    if (addMeterDay(summed, all[index] ?? [], edges, into) === "added") continue;
    const period = parts.calendar.periodOf(edges.day);
    const month = { from: parts.calendar.startOf(period), to: parts.calendar.boundaryOf(period) };
    const [series = []] = await readSound(parts.series, [{ meter, groups }], month);
    addOverlappingDay(summed, { start: month.from, series }, edges, into);
  }
}

/** A meter whose readings are damaged is one of which nothing is known: the others count all the same. */
async function readSound(
  series: SummedMeters["series"],
  members: readonly Member[],
  range: { readonly from: number; readonly to: number },
): Promise<readonly (readonly ReadingSeries[])[]> {
  const ids = members.map(({ meter }) => meter.meterId);
  try {
    return await series.readMany(ids, range);
  } catch (error) {
    if (!(error instanceof AdapterError && error.code === "store_damaged")) throw error;
    if (ids.length === 1) return [[]];
  }
  const found: (readonly ReadingSeries[])[] = [];
  for (const member of members) found.push(...(await readSound(series, [member], range)));
  return found;
}

interface GroupSumming {
  of(groups: readonly string[]): RegisterDays;
  all(): GroupDay[];
}

function groupSums(edges: DayEdges): GroupSumming {
  const days = new Map<string, Map<string, RegisterDay>>();
  function dayOf(groupId: string, register: string, unit: RegisterDay["unit"]): RegisterDay {
    const own = madeIn(days, groupId, () => new Map<string, RegisterDay>());
    return madeIn(own, `${register} ${unit}`, () => emptyRegisterDay(register, unit, edges));
  }
  return {
    of: (groups) => (register, unit) => groups.map((groupId) => dayOf(groupId, register, unit)),
    all: () =>
      [...days].flatMap(([groupId, own]) =>
        [...own.values()].map((one) => ({
          groupId,
          register: one.register,
          unit: one.unit,
          sums: encodeRegisterDay(one),
        })),
      ),
  };
}

/** Who is in which group at `at`. */
export function membersAt(meters: Iterable<MeterState>, at: number): readonly GroupMembers[] {
  const groups = new Map<string, { meters: number; meterIds: string[] }>();
  for (const meter of meters) {
    if (meter.record === undefined && (countsFrom(meter) ?? Number.POSITIVE_INFINITY) > at) continue;
    for (const groupId of groupsAt(meter.record, at)) {
      const group = madeIn(groups, groupId, () => ({ meters: 0, meterIds: [] }));
      group.meters += 1;
      if (group.meterIds.length < membersNamedMax) group.meterIds.push(meter.meterId);
    }
  }
  return [...groups].map(([groupId, { meters: count, meterIds }]) => ({ groupId, meters: count, meterIds }));
}

function madeIn<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
