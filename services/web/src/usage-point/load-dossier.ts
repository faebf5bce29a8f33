import { api, ask, type Schemas } from "../api/client.ts";
import { rowOf, type ToldStatement } from "./load-statement.ts";

type Reading = Schemas["Reading"];
type Conflict = Schemas["Conflict"];

/** A reading near the month's end, and what became of it. */
export interface DossierEntry {
  readonly meterId: string;
  readonly register: string;
  readonly at: string;
  readonly value: number;
  readonly unit: string;
  readonly origin: string;
  readonly quality: string;
  /** `counts`: the month's value is made of it. `beside`: another value of the same moment stands in its place. */
  readonly part: "counts" | "stands" | "beside";
}

const marginMs = 36 * 3_600_000;
/** Of each register so many before and after the end, and whatever did not come from the meter itself. */
const nearestMax = 3;
const readingsMax = 1000;

/** Every reading of whatever origin near the end, also those that another one stands in the place of. */
export async function loadDossier(told: ToldStatement, signal: AbortSignal): Promise<readonly DossierEntry[]> {
  const { statement } = told;
  const segments = statement.registers.flatMap(({ register, segments: own }) =>
    own.map((segment) => ({ register, segment })),
  );
  const meterIds = [...new Set(segments.map(({ segment }) => segment.meterId))];
  const lists = await Promise.all(meterIds.map((meterId) => ofMeter(told, meterId, signal)));
  const wanted = new Set(segments.map(({ register, segment }) => `${segment.meterId} ${register}`));
  return lists
    .flat()
    .filter(({ meterId, register }) => wanted.has(`${meterId} ${register}`))
    .sort((a, b) => compare(a.register, b.register) || compare(a.at, b.at));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function ofMeter(told: ToldStatement, meterId: string, signal: AbortSignal): Promise<readonly DossierEntry[]> {
  const end = Date.parse(told.statement.to);
  const edge = (by: number) => new Date(end + by).toISOString().replace(".000Z", "Z");
  const query = { from: edge(-marginMs), to: edge(marginMs), limit: readingsMax };
  const path = { meterId };
  const [readings, conflicts] = await Promise.all([
    ask(api.GET("/v1/meters/{meterId}/readings", { params: { path, query }, signal })),
    ask(api.GET("/v1/meters/{meterId}/conflicts", { params: { path, query: { limit: readingsMax } }, signal })),
  ]);
  const counting = countingOf(told, meterId);
  const registers = Map.groupBy(
    readings.items.filter(({ kind }) => kind === "register"),
    ({ register }) => register,
  );
  const near = [...registers.values()].flatMap((own) => nearest(own, end));
  const beside = conflicts.items.filter(({ at }) => Math.abs(Date.parse(at) - end) <= marginMs);
  return [...near.map((one) => entryOf(meterId, one, counting)), ...beside.map((one) => besideOf(meterId, one))];
}

function nearest(readings: readonly Reading[], end: number): readonly Reading[] {
  const before = readings.filter(({ at }) => Date.parse(at) <= end);
  const after = readings.slice(before.length);
  const kept = new Set([...before.slice(-nearestMax), ...after.slice(0, nearestMax)]);
  return readings.filter((one) => kept.has(one) || one.origin !== "remote");
}

/** `register at value` of the readings that a month's value is made of. */
function countingOf(told: ToldStatement, meterId: string): ReadonlySet<string> {
  return new Set(
    told.statement.registers.flatMap(({ register, segments }) =>
      segments
        .filter((segment) => segment.meterId === meterId)
        .flatMap((segment) => {
          const evidence = rowOf(told, register, segment)?.row.evidence;
          const all = evidence === undefined ? [] : [evidence.before, evidence.after];
          const exact = all.filter((one) => one?.at === segment.to);
          // One that was read at the very end needs no other.
          return (exact.length > 0 ? exact : all).flatMap((one) =>
            one === null || one === undefined ? [] : `${register} ${one.at} ${one.value}`,
          );
        }),
    ),
  );
}

function entryOf(meterId: string, reading: Reading, counting: ReadonlySet<string>): DossierEntry {
  const { register, at, value, unit, origin, quality } = reading;
  const part = counting.has(`${register} ${at} ${value}`) ? "counts" : "stands";
  return { meterId, register, at, value, unit, origin, quality, part };
}

function besideOf(meterId: string, { register, at, unit, refused }: Conflict): DossierEntry {
  const { value, origin, quality } = refused;
  return { meterId, register, at, value, unit, origin, quality, part: "beside" };
}
