import type { FastifyReply, FastifyRequest } from "fastify";
import { answerFormat, rowsAs, type StreamFormat } from "../requests/answer-format.ts";
import { limitDefault } from "../requests/query-schemas.ts";
import type { Chunk } from "../tables/chunk.ts";
import type { CursorForm } from "./cursor.ts";
import type { RowEncoder } from "./row-encoder.ts";
import { textEncoder } from "./row-encoder.ts";
import type { StreamAnswers } from "./stream-answers.ts";

/** A list that is answered as pages of JSON, or whole as a stream of rows. */
export interface List<Entry, Place> {
  /** Entries after `place` in the list's order, in pages of about `size`; ends when the list does. */
  pages(place: Place | undefined, size: number): AsyncIterable<readonly Entry[]>;
  placeOf(entry: Entry): Place;
  json(entry: Entry): unknown;
  csv(): RowEncoder<Entry>;
  /** Instead of `pages` for a page of JSON, where most may be passed over: it ends after some steps, full or not. */
  steps?(place: Place | undefined, foundMax: number): AsyncIterable<ListStep<Entry, Place>>;
  /** Instead of `pages` and `csv`, where rows can be written without making entries. */
  csvChunks?(place: Place | undefined, size: number, limit: number | undefined): AsyncIterable<Chunk>;
  /** Where one entry alone can be large: most entries to read at a time, and an entry's bytes. */
  readonly heavy?: { readonly pageMax: number; bytesOf(entry: Entry): number };
  /** Further members of a JSON page. */
  more?(entries: readonly Entry[]): Record<string, unknown>;
}

export interface ListStep<Entry, Place> {
  readonly entries: readonly Entry[];
  /** All up to here is looked at; undefined where the list ends. */
  readonly end: Place | undefined;
}

export interface ListRequest<Place> {
  readonly limit: number | undefined;
  readonly place: Place | undefined;
  readonly cursors: CursorForm<Place>;
  readonly scope: string;
  readonly exportPage: number;
}

/** A page of JSON ends early when it has grown to this. */
const pageBytesMax = 8 * 1024 * 1024;
/** A page of JSON of which most is passed over ends after so many steps: the caller goes on from there. */
const stepsMax = 50;
/** What is formatted in one go: about a millisecond of work. */
const chunkBytesMin = 128 * 1024;

export async function answerList<Entry, Place>(
  request: FastifyRequest,
  reply: FastifyReply,
  streams: StreamAnswers,
  list: List<Entry, Place>,
  asked: ListRequest<Place>,
): Promise<FastifyReply> {
  const format = answerFormat(request.headers.accept);
  if (format !== "json") {
    return streams.send(request, reply, format, listChunks(list, format, asked));
  }
  const limit = asked.limit ?? limitDefault;
  const steps = list.steps?.(asked.place, limit + 1);
  const { entries, end } =
    steps === undefined ? await firstPage(list, asked.place, limit) : await firstFound(list, steps, limit);
  const next = end === undefined ? {} : { nextCursor: asked.cursors.encode(asked.scope, end) };
  return reply.send({ items: entries.map((entry) => list.json(entry)), ...next, ...list.more?.(entries) });
}

function listChunks<Entry, Place>(
  list: List<Entry, Place>,
  format: StreamFormat,
  { exportPage, limit, place }: ListRequest<Place>,
): AsyncIterable<Chunk> {
  const size = Math.min(exportPage, list.heavy?.pageMax ?? exportPage, limit ?? exportPage);
  const rows = rowsAs(format);
  if (rows === "csv" && list.csvChunks !== undefined) return list.csvChunks(place, size, limit);
  const lines = () => textEncoder((entry: Entry) => `${JSON.stringify(list.json(entry))}\n`);
  return chunksOf(list.pages(place, size), rows === "csv" ? list.csv() : lines(), limit);
}

/** Reads one entry more than is asked for: whether there is a next page is known, not guessed. */
async function firstPage<Entry, Place>(
  list: List<Entry, Place>,
  place: Place | undefined,
  limit: number,
): Promise<ListStep<Entry, Place>> {
  const entries: Entry[] = [];
  let bytes = 0;
  for await (const page of list.pages(place, Math.min(limit + 1, list.heavy?.pageMax ?? limit + 1))) {
    for (const entry of page) {
      if (entries.length === limit || bytes > pageBytesMax) return { entries, end: placeOfLast(list, entries) };
      entries.push(entry);
      bytes += list.heavy?.bytesOf(entry) ?? 0;
    }
  }
  return { entries, end: undefined };
}

async function firstFound<Entry, Place>(
  list: List<Entry, Place>,
  steps: AsyncIterable<ListStep<Entry, Place>>,
  limit: number,
): Promise<ListStep<Entry, Place>> {
  const found: Entry[] = [];
  let taken = 0;
  for await (const { entries, end } of steps) {
    found.push(...entries);
    taken += 1;
    if (found.length > limit) {
      const page = found.slice(0, limit);
      return { entries: page, end: placeOfLast(list, page) };
    }
    if (taken >= stepsMax) return { entries: found, end };
  }
  return { entries: found, end: undefined };
}

function placeOfLast<Entry, Place>(list: List<Entry, Place>, entries: readonly Entry[]): Place | undefined {
  const last = entries.at(-1);
  return last === undefined ? undefined : list.placeOf(last);
}

/**
 * The encoder's header comes with the first page and not before it: until something is sent, a failure can still be
 * told as a problem document instead of a broken stream.
 */
export async function* chunksOf<Entry>(
  pages: AsyncIterable<readonly Entry[]>,
  encoder: RowEncoder<Entry>,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<Chunk> {
  let rows = 0;
  let left = limit;
  for await (const page of pages) {
    for (const entry of page.slice(0, left)) {
      encoder.add(entry);
      rows += 1;
      if (encoder.length < chunkBytesMin) continue;
      yield { bytes: encoder.take(), rows };
      rows = 0;
    }
    left -= page.length;
    if (rows > 0) yield { bytes: encoder.take(), rows };
    rows = 0;
    if (left <= 0) return;
  }
  if (encoder.length > 0) yield { bytes: encoder.take(), rows };
}

/** Pages of a port that reads "at most `limit` after a place, fewer means the end". */
export async function* pagesBy<Entry, Place>(
  read: (place: Place | undefined, limit: number) => Promise<readonly Entry[]>,
  placeOf: (entry: Entry) => Place,
  place: Place | undefined,
  size: number,
): AsyncGenerator<readonly Entry[]> {
  let after = place;
  for (;;) {
    const page = await read(after, size);
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (page.length < size || last === undefined) return;
    after = placeOf(last);
  }
}
