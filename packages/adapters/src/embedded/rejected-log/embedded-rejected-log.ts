import { join, resolve } from "node:path";
import { BroadcastChannel } from "node:worker_threads";
import { type DamageEars, noEars } from "@meterbook/core/ports/damage-log";
import type { RejectedLog, RejectedShares } from "@meterbook/core/ports/rejected-log";
import { rejectionEars } from "../../sqlite-views/rejected-log/rejection-damage.ts";
import { keepRetention, type RejectedRetention } from "../../sqlite-views/rejected-log/rejection-retention.ts";
import { entryNumber, rejectionReads } from "../../sqlite-views/rejected-log/rejection-table.ts";
import { openedAs } from "../database/opened-file.ts";
import { writerThread } from "../database/writer-thread.ts";
import { packRejections } from "./packed-rejections.ts";
import { openRejectedDatabase, rejectedWhere } from "./rejected-database.ts";
import type { RejectedRequest, RejectedResult, RejectedWriterData } from "./rejected-log-thread.ts";

/** How full it is, for those who write to it. */
export interface EmbeddedRejectedLog extends RejectedLog {
  readonly shares: RejectedShares;
  /** Bytes by sender. */
  filledBy(): ReadonlyMap<string, number>;
}

export interface EmbeddedRejectedLogOptions {
  readonly dataDir: string;
  /** Of one of the threads that have it open. */
  readonly retention?: RejectedRetention;
  /** Told of what cannot be read. */
  readonly ears?: DamageEars;
  /** Told when a sender's share was emptied by hand, in whichever thread. */
  readonly emptied?: (sender: string) => void;
}

const largestShares = `SELECT coalesce(sender, '') AS sender, TOTAL(bytes) AS bytes, COUNT(*) AS messages
  FROM refused_message GROUP BY coalesce(sender, '') ORDER BY bytes DESC, sender LIMIT ?`;

/**
 * The rejected log in `<dataDir>/rejected.db`. Any number of threads may append and read. A thread of its own writes.
 */
export function openEmbeddedRejectedLog(options: EmbeddedRejectedLogOptions): EmbeddedRejectedLog {
  const { dataDir, ears = noEars } = options;
  const database = openRejectedDatabase(dataDir);
  const module = new URL("./rejected-log-thread.ts", import.meta.url);
  const data: RejectedWriterData = { dataDir, opened: openedAs(join(dataDir, "rejected.db")) };
  const writer = writerThread<RejectedRequest>(module, { name: "rejected-log", data });

  async function write(request: RejectedRequest, transfer: readonly ArrayBuffer[] = []): Promise<RejectedResult> {
    const result = await writer.ask<RejectedResult>(request, transfer);
    for (const damage of result.damages) ears.tell({ ...damage, foundAtMs: ears.nowMs() });
    return result;
  }

  async function forget(beforeMs: number): Promise<NonNullable<RejectedResult["forgotten"]>> {
    const { forgotten } = await write({ kind: "forget", beforeMs });
    return forgotten ?? { forgotten: 0, isMore: false, last: 0 };
  }
  const retention = options.retention === undefined ? undefined : keepRetention(options.retention, forget);

  const channel = new BroadcastChannel(`meterbook.rejected:${resolve(dataDir)}`);
  channel.unref();
  channel.onmessage = (event) => options.emptied?.(String((event as { data: unknown }).data));
  const shares: RejectedShares = {
    async list(limit) {
      const rows = database.prepare(largestShares).all(limit);
      return rows.map(({ sender, bytes, messages }) => ({
        ...{ sender: String(sender), bytes: Number(bytes), messages: Number(messages) },
      }));
    },
    async empty(sender) {
      let [forgotten, afterPlace] = [0, 0];
      for (let isMore = true; isMore; ) {
        const done = (await write({ kind: "empty", sender, afterPlace })).forgotten;
        forgotten += done?.forgotten ?? 0;
        afterPlace = done?.last ?? afterPlace;
        isMore = done?.isMore ?? false;
      }
      channel.postMessage(sender);
      options.emptied?.(sender);
      return forgotten;
    },
  };

  return {
    ...rejectionReads(database, rejectionEars(rejectedWhere, ears)),
    shares,
    filledBy() {
      // Not `SUM`, which throws where a damaged number is too large.
      const rows = database.prepare("SELECT sender, TOTAL(bytes) AS bytes FROM refused_message GROUP BY sender").all();
      return new Map(rows.map(({ sender, bytes }) => [String(sender ?? ""), Number(bytes)]));
    },
    async append(rejections) {
      const packed = packRejections(rejections);
      await write({ kind: "append", ...packed }, [packed.payloads.buffer]);
    },
    async markReplayed(id, atMs) {
      await write({ kind: "replayed", entry: entryNumber(id), atMs });
    },
    async close() {
      retention?.close();
      channel.close();
      await writer.close();
      database.close();
    },
  };
}
