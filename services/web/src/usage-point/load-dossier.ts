import { allPages } from "../api/all-pages.ts";
import { api, ask, type Schemas } from "../api/client.ts";
import { loadReadings } from "../api/load-readings.ts";
import { isoOf } from "../time/iso.ts";
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

export interface LoadedDossier {
  readonly entries: readonly DossierEntry[];
  /** There were more readings or second values than were asked for. */
  readonly isCut: boolean;
}

const marginMs = 36 * 3_600_000;
/** Of each register so many before and after the end, and whatever did not come from the meter itself. */
const nearestMax = 3;
/** Of a register in three days: two a minute. */
const readingsMax = 10_000;
/** Of a meter, since it came. */
const conflictsMax = 10_000;

/** Every reading of whatever origin near the end, also those that another one stands in the place of. */
export async function loadDossier(told: ToldStatement, signal: AbortSignal): Promise<LoadedDossier> {
  const registersOf = Map.groupBy(
    told.statement.registers.flatMap(({ register, segments }) =>
      segments.map(({ meterId }) => ({ meterId, register })),
    ),
    ({ meterId }) => meterId,
  );
  const lists = await Promise.all(
    [...registersOf].flatMap(([meterId, all]) => {
      const registers = new Set(all.map(({ register }) => register));
      return [
        ...[...registers].map((register) => nearOf(told, meterId, register, signal)),
        besideOf(told, meterId, registers, signal),
      ];
    }),
  );
  const entries = lists.flatMap((one) => one.entries);
  return {
    entries: entries.sort((a, b) => compare(a.register, b.register) || compare(a.at, b.at)),
    isCut: lists.some((one) => one.isCut),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Of one register of a meter, so that many others leave it its place. */
async function nearOf(
  told: ToldStatement,
  meterId: string,
  register: string,
  signal: AbortSignal,
): Promise<LoadedDossier> {
  const end = Date.parse(told.statement.to);
  const edge = (by: number) => isoOf((end + by) / 1000);
  const call = { meterId, register, from: edge(-marginMs), to: edge(marginMs) };
  const { items, isCut } = await loadReadings(call, readingsMax, signal);
  const counting = countingOf(told, meterId);
  const near = nearest(
    items.filter(({ kind }) => kind === "register"),
    end,
  );
  return { entries: near.map((one) => entryOf(meterId, one, counting)), isCut };
}

/** The API lists all of a meter's conflicts in order of arrival: the newest may be of the oldest month. */
async function besideOf(
  told: ToldStatement,
  meterId: string,
  registers: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<LoadedDossier> {
  const end = Date.parse(told.statement.to);
  const { items, isCut } = await allPages(
    (query) => ask(api.GET("/v1/meters/{meterId}/conflicts", { params: { path: { meterId }, query }, signal })),
    conflictsMax,
  );
  const beside = items.filter(
    ({ kind, register, at }) =>
      kind === "register" && registers.has(register) && Math.abs(Date.parse(at) - end) <= marginMs,
  );
  return { entries: beside.map((one) => besideEntryOf(meterId, one)), isCut };
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

function besideEntryOf(meterId: string, { register, at, unit, refused }: Conflict): DossierEntry {
  const { value, origin, quality } = refused;
  return { meterId, register, at, value, unit, origin, quality, part: "beside" };
}
