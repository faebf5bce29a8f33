import type { Chunk } from "../../http/tables/chunk.ts";
import type { RowsAnswer } from "./shard-rows.ts";

/** The rows of a shard, a page at a time; `undefined` behind its last. */
export type RowPages = () => Promise<RowsAnswer | undefined>;

/** Copied together up to here; a run that is longer goes as it is. */
const chunkBytesMax = 256 * 1024;

/**
 * The rows of all shards by meter id, as one thread would write them: what follows each other in one shard is copied as
 * it is. A meter that stands in two shards comes once.
 *
 * @param metersMax after so many it ends
 */
export async function* mergedRows(shards: readonly RowPages[], metersMax: number): AsyncGenerator<Chunk> {
  let heads = (await Promise.all(shards.map(firstPage))).filter((head) => head !== undefined);
  const chunk = growingChunk();
  let left = metersMax;
  let taken: string | undefined;
  while (left > 0 && heads.length > 0) {
    const { head, next } = leastOf(heads);
    if (head.page.meterIds[head.at] === taken) head.at += 1;
    else {
      const run = takeRun(head, next, left);
      taken = head.page.meterIds[head.at - 1];
      left -= run.meters;
      if (!chunk.fits(run.bytes)) yield* chunk.taken();
      chunk.add(run);
    }
    if (head.at < head.page.meterIds.length) continue;
    // Each wait is a turn of the event loop.
    const more = await firstPage(head.pages);
    heads = heads.flatMap((other) => (other === head ? (more ?? []) : other));
  }
  yield* chunk.taken();
}

/** Where somebody is who reads a shard: at a meter, or behind the last of the page. */
interface Head {
  readonly pages: RowPages;
  readonly page: RowsAnswer;
  at: number;
}

interface Run {
  readonly bytes: Uint8Array;
  readonly meters: number;
}

/** Of the pages that follow. */
async function firstPage(pages: RowPages): Promise<Head | undefined> {
  for (;;) {
    const page = await pages();
    if (page === undefined) return undefined;
    if (page.meterIds.length > 0) return { pages, page, at: 0 };
  }
}

/** The shard whose meter comes first, the earlier one of two that have the same, and the first meter of all others. */
function leastOf(heads: readonly Head[]): { readonly head: Head; readonly next: string | undefined } {
  let head = heads[0] as Head;
  let key = head.page.meterIds[head.at] as string;
  let next: string | undefined;
  for (let i = 1; i < heads.length; i += 1) {
    const other = heads[i] as Head;
    const own = other.page.meterIds[other.at] as string;
    if (own < key) [head, key, next] = [other, own, key];
    else if (next === undefined || own < next) next = own;
  }
  return { head, next };
}

/** The meter, and those behind it up to the first meter of another shard. */
function takeRun(head: Head, next: string | undefined, metersMax: number): Run {
  const { meterIds, ends, bytes } = head.page;
  const from = head.at;
  const most = Math.min(meterIds.length, from + metersMax);
  let at = from + 1;
  while (at < most && (next === undefined || (meterIds[at] as string) < next)) at += 1;
  head.at = at;
  return { bytes: bytes.subarray(from === 0 ? 0 : ends[from - 1], ends[at - 1]), meters: at - from };
}

/** What is copied together until it is taken. */
function growingChunk() {
  let copied: Buffer = Buffer.alloc(0);
  let length = 0;
  let rows = 0;
  return {
    fits: (bytes: Uint8Array) => length === 0 || length + bytes.length <= copied.length,
    add({ bytes, meters }: Run): void {
      rows += meters;
      if (length === 0) {
        // Alone where it is longer: then nothing fits behind it.
        const isLong = bytes.length >= chunkBytesMax;
        copied = isLong
          ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
          : Buffer.allocUnsafeSlow(chunkBytesMax);
        if (!isLong) copied.set(bytes);
      } else copied.set(bytes, length);
      length += bytes.length;
    },
    *taken(): Generator<Chunk> {
      if (length > 0) yield { bytes: copied.subarray(0, length), rows };
      [length, rows] = [0, 0];
    },
  };
}
