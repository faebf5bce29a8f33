import type { RevisionRecord, SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { chunksOf, pagesBy } from "../../http/answers/list-answer.ts";
import type { Chunk } from "../../http/tables/chunk.ts";
import { mergedRows, type RowPages } from "./merged-rows.ts";
import { type RowsAnswer, type RowThread, type RowThreads, rowThread } from "./shard-rows.ts";
import { recordCsvEncoder } from "./snapshot-csv.ts";

/** Threads at work for one export. */
export interface RowHelpers {
  /** Whether all have started. */
  isReady(): boolean;
  rows(rest: RestOfExport): AsyncIterable<Chunk>;
  end(): Promise<void>;
}

export interface RestOfExport {
  readonly period: number;
  readonly afterMeterId: string;
  /** Meters of a page, over all shards. */
  readonly pageMeters: number;
  readonly metersMax: number;
  /** Told of a meter whose record cannot be read. */
  readonly leftOut: (meterId: string) => void;
}

export interface RecordExport {
  readonly snapshots: SnapshotView;
  readonly period: number;
  /** So many meters are written by the caller's own thread before others are started: that takes longer. */
  readonly aloneMax: number;
  /** Undefined where no thread is free. */
  readonly takeHelpers: () => RowHelpers | undefined;
}

/**
 * The rows of each record of a period, by meter id. A record that is no snapshot is read once more, so that it is told.
 */
export async function* recordChunks(
  { snapshots, period, aloneMax, takeHelpers }: RecordExport,
  place: string | undefined,
  { size, limit = Number.POSITIVE_INFINITY }: { readonly size: number; readonly limit: number | undefined },
): AsyncGenerator<Chunk> {
  const encoder = recordCsvEncoder(({ meterId, revision }) => {
    void snapshots.find(meterId, period, revision).catch(() => undefined);
  });
  let after = place ?? "";
  let done = 0;
  let isOver = false;
  const read = (afterMeterId = "", most: number) =>
    snapshots.latestRecords({ period, limit: most, ...(afterMeterId !== "" && { afterMeterId }) });

  async function* alone(until: () => boolean): AsyncGenerator<readonly RevisionRecord[]> {
    for await (const page of pagesBy(read, ({ meterId }) => meterId, after, size)) {
      after = page.at(-1)?.meterId ?? after;
      done += page.length;
      yield page;
      if (until()) return;
    }
    isOver = true;
  }

  yield* chunksOf(
    alone(() => done >= aloneMax),
    encoder,
    limit,
  );
  if (isOver || done >= limit) return;
  const helpers = takeHelpers();
  try {
    yield* chunksOf(
      alone(() => helpers?.isReady() === true),
      encoder,
      limit - done,
    );
    if (isOver || done >= limit || helpers === undefined) return;
    const leftOut = (meterId: string) => void snapshots.revisions(meterId, period).catch(() => undefined);
    yield* helpers.rows({ period, afterMeterId: after, pageMeters: size, metersMax: limit - done, leftOut });
  } finally {
    await helpers?.end();
  }
}

/** Shares out the threads that may run: an export for which none is left goes on alone. */
export function rowHelpers(threads: RowThreads | undefined): () => RowHelpers | undefined {
  let running = 0;
  return () => {
    if (threads === undefined) return undefined;
    const { shards, threadsMax } = threads;
    const count = Math.min(shards, threadsMax - running);
    if (count <= 0) return undefined;
    const started = startAll(threads, count);
    if (started === undefined) return undefined;
    running += count;
    return {
      isReady: () => started.every((thread) => thread.isReady()),
      rows: (rest) =>
        mergedRows(
          Array.from({ length: shards }, (_, shard) =>
            pagesOf(started[shard % count] as RowThread, shard, shards, rest),
          ),
          rest.metersMax,
        ),
      async end() {
        await Promise.all(started.map((thread) => thread.end()));
        running -= count;
      },
    };
  };
}

/** Fewer are not worth a request; more than these are in no cache when they are copied. */
const [pageMetersMin, pageMetersMax] = [64, 500];

/** The next page is made while one is merged. */
function pagesOf(thread: RowThread, shard: number, shards: number, rest: RestOfExport): RowPages {
  const { period, pageMeters, metersMax, leftOut } = rest;
  const share = Math.min(Math.max(pageMetersMin, Math.ceil(pageMeters / shards)), pageMetersMax);
  const size = Math.min(share, metersMax);
  const ask = (afterMeterId: string) => {
    const answer = thread.ask({ shard, period, afterMeterId, metersMax: size });
    // It may fail while another is waited for: it is told when it is asked for.
    answer.catch(() => undefined);
    return answer;
  };
  let next: Promise<RowsAnswer> | undefined = ask(rest.afterMeterId);
  return async () => {
    const page = await next;
    if (page === undefined) return undefined;
    next = page.isLast ? undefined : ask(page.meterIds.at(-1) ?? "");
    for (const meterId of page.leftOut) leftOut(meterId);
    return page;
  };
}

/** None where one cannot be started: those before it end, and the export goes on alone. */
function startAll(threads: RowThreads, count: number): readonly RowThread[] | undefined {
  const started: RowThread[] = [];
  try {
    while (started.length < count) started.push(rowThread(threads.start()));
    return started;
  } catch {
    for (const thread of started) void thread.end();
    return undefined;
  }
}
