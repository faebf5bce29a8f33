import { noProgress, type Progress } from "@meterbook/core/ports/series-store";
import type { InfluxConnection } from "../client/influx-connection.ts";
import { query, type RowSeries } from "../client/influx-query.ts";
import type { SlotRoutes } from "../points/slot-routes.ts";
import { type FoundProgress, furthestRow, type ProgressRow } from "./progress-rows.ts";
import { firstMissing, notesIn, numbersIn, ownRing, readNote, type TrailEnd } from "./trail.ts";

/** What a trail keeps of each record of progress. */
export interface NotedProgress {
  readonly progress: Progress;
  readonly trails: readonly TrailEnd[];
  readonly recordedAtMs: number;
}

/** Which of what is recorded can be built upon. */
export interface SoundProgress {
  readonly progress: Progress;
  /** Rows that speak of more than the servers have: another owner must not go by them. */
  readonly unsound: readonly ProgressRow[];
}

export interface PartitionOnServers {
  readonly routes: SlotRoutes;
  readonly partition: number;
  readonly signal: AbortSignal;
}

/**
 * A copy that was made while a server took writes is not of one moment: its files are some seconds apart. So after a
 * store was put back, its last minute is taken in again. Where the copy was whole, that changes nothing.
 */
const copySpreadMs = 60_000;

/**
 * The furthest progress for which each server still has all requests. If the trail of a row has a hole, what its owner
 * noted before the hole is taken. If it noted nothing there, the row of the owner before is taken.
 */
export async function soundProgress(
  place: PartitionOnServers,
  { rows, damagedEpochs }: FoundProgress,
  { wasPutBack }: { readonly wasPutBack: boolean },
): Promise<SoundProgress> {
  const left = [...rows, ...(await rowsNoted(place, damagedEpochs))];
  const unsound: ProgressRow[] = [];
  for (;;) {
    const row = furthestRow(left);
    if (row === undefined) return { progress: noProgress, unsound };
    const whole = await trailsOf(place, row.epoch);
    const isSound = upTo(row.trails, whole);
    if (isSound && !wasPutBack) return { progress: row.progress, unsound };
    const before = await notedBefore(place, row, whole);
    // Also a row that is whole: its owner noted less, further back, and that is to be gone by.
    unsound.push(row);
    if (before !== undefined) return { progress: before, unsound };
    if (isSound) return { progress: row.progress, unsound: unsound.slice(0, -1) };
    left.splice(left.indexOf(row), 1);
  }
}

type Whole = readonly ((end: TrailEnd) => boolean)[];

/** By server: whether it has everything up to an end. */
async function trailsOf({ routes, partition, signal }: PartitionOnServers, epoch: number): Promise<Whole> {
  return Promise.all(
    routes.connections.map(async (connection) => {
      const there = numbersIn(await trailRows(connection, "n, e", { partition, epoch, signal }), epoch);
      return (end: TrailEnd) => firstMissing(there, end) === undefined;
    }),
  );
}

function upTo(ends: readonly TrailEnd[], whole: Whole): boolean {
  return whole.every((has, server) => has(ends[server] ?? { number: 0, open: [] }));
}

async function notedBefore(
  { routes, partition, signal }: PartitionOnServers,
  { epoch }: ProgressRow,
  whole: Whole,
): Promise<Progress | undefined> {
  const noted = await notedOn({ routes, partition, signal }, epoch, whole);
  const newest = noted[0]?.recordedAtMs ?? 0;
  return (noted.find(({ recordedAtMs }) => recordedAtMs <= newest - copySpreadMs) ?? noted.at(-1))?.progress;
}

/** What owners noted in the end whose own rows are damaged. */
async function rowsNoted(place: PartitionOnServers, epochs: readonly number[]): Promise<ProgressRow[]> {
  const found = epochs.map(async (epoch) => {
    const [last] = await notedOn(place, epoch, await trailsOf(place, epoch));
    return last === undefined ? [] : [{ epoch, progress: last.progress, trails: last.trails }];
  });
  return (await Promise.all(found)).flat();
}

/**
 * The notes of an owner for which the servers have all requests, furthest first. If one is damaged, there are others
 * beside it.
 */
async function notedOn(
  { routes, partition, signal }: PartitionOnServers,
  epoch: number,
  whole: Whole,
): Promise<NotedProgress[]> {
  const home = routes.connections[routes.serverOf(partition)] as InfluxConnection;
  return notesIn(await trailRows(home, "n, e, note", { partition, epoch, signal }))
    .map((note) => readNote(note) as NotedProgress | undefined)
    .filter((note) => note !== undefined)
    .filter(({ trails }) => upTo(trails, whole))
    .sort((a, b) => b.progress.position - a.progress.position || b.recordedAtMs - a.recordedAtMs);
}

async function trailRows(
  connection: InfluxConnection,
  fields: string,
  { partition, epoch, signal }: { partition: number; epoch: number; signal: AbortSignal },
): Promise<readonly RowSeries[]> {
  const text = `SELECT ${fields} FROM trail WHERE ${ownRing(partition, epoch)}`;
  return query(connection, { text, parameters: {} }, signal);
}
