import type { MessagePort } from "node:worker_threads";
import type { RevisionRecord, SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import type { RowEncoder } from "../../http/answers/row-encoder.ts";
import type { RowsAnswer, RowsRequest } from "./shard-rows.ts";
import { recordCsvEncoder } from "./snapshot-csv.ts";

/** What a thread opens of a shard for itself. */
export interface OpenShard extends Pick<SnapshotView, "latestRecords"> {
  close(): Promise<void>;
}

/**
 * The other end of `rowThread`: says null when it has started, then reads shards and writes their rows until it is told
 * null. What fails ends the thread, and so tells whoever waits.
 */
export function answerRows(port: MessagePort, openShard: (shard: number) => OpenShard): void {
  const opened = new Map<number, OpenShard>();
  let unreadable: string[] = [];
  const encoder = recordCsvEncoder(({ meterId }) => unreadable.push(meterId), "");

  function shardOf(shard: number): OpenShard {
    const known = opened.get(shard) ?? openShard(shard);
    opened.set(shard, known);
    return known;
  }

  async function answer(request: RowsRequest): Promise<void> {
    const made = await rowsOf(shardOf(request.shard), request, encoder);
    const all: RowsAnswer = { ...made, leftOut: [...made.leftOut, ...unreadable] };
    unreadable = [];
    port.postMessage(all, [all.bytes.buffer as ArrayBuffer]);
  }

  async function close(): Promise<void> {
    for (const shard of opened.values()) await shard.close();
    port.close();
  }

  // One after the other: they share the encoder.
  let work: Promise<unknown> = Promise.resolve();
  port.on("message", (request: RowsRequest | null) => {
    work = work.then(async () => {
      if (request === null) return close();
      return answer(request).catch(async (error: unknown) => {
        await close();
        throw error;
      });
    });
  });
  port.postMessage(null);
}

async function rowsOf(
  shard: OpenShard,
  { shard: number, period, afterMeterId, metersMax }: RowsRequest,
  encoder: RowEncoder<RevisionRecord>,
): Promise<RowsAnswer> {
  const leftOut: string[] = [];
  const records = await shard.latestRecords({
    period,
    afterMeterId,
    limit: metersMax,
    leftOut: ({ meterId }) => void (meterId === null || leftOut.push(meterId)),
  });
  const ends = records.map((record) => {
    encoder.add(record);
    return encoder.length;
  });
  const bytes = encoder.take();
  return {
    shard: number,
    meterIds: records.map(({ meterId }) => meterId),
    ends,
    // A short one lies in memory that it shares with others.
    bytes: bytes.length === bytes.buffer.byteLength ? bytes : Uint8Array.from(bytes),
    isLast: records.length < metersMax,
    leftOut,
  };
}
