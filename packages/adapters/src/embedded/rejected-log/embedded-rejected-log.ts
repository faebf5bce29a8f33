import { join } from "node:path";
import { type DamageEars, noEars } from "@meterbook/core/ports/damage-log";
import { type RefusedMessage, refusedMessages } from "@meterbook/core/ports/refused-message";
import type { RejectedLog } from "@meterbook/core/ports/rejected-log";
import { rejectionEars } from "../../sqlite-views/rejected-log/rejection-damage.ts";
import { keepRetention, type RejectedRetention } from "../../sqlite-views/rejected-log/rejection-retention.ts";
import { entryNumber, rejectionReads } from "../../sqlite-views/rejected-log/rejection-table.ts";
import { writerThread } from "../database/writer-thread.ts";
import { openedAs } from "../opened-file.ts";
import { openRejectedDatabase, rejectedWhere } from "./rejected-database.ts";
import type { RejectedRequest, RejectedResult, RejectedWriterData } from "./rejected-log-thread.ts";

/** How full it is, for those who write to it. */
export interface EmbeddedRejectedLog extends RejectedLog {
  /** Bytes by sender. */
  shares(): ReadonlyMap<string, number>;
}

export interface EmbeddedRejectedLogOptions {
  readonly dataDir: string;
  /** Of one of the threads that have it open. */
  readonly retention?: RejectedRetention;
  /** Told of what cannot be read. */
  readonly ears?: DamageEars;
}

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
    return forgotten ?? { forgotten: 0, isMore: false };
  }
  const retention = options.retention === undefined ? undefined : keepRetention(options.retention, forget);

  return {
    ...rejectionReads(database, rejectionEars(rejectedWhere, ears)),
    shares() {
      // Not `SUM`, which throws where a damaged number is too large.
      const rows = database.prepare("SELECT sender, TOTAL(bytes) AS bytes FROM refused_message GROUP BY sender").all();
      return new Map(rows.map(({ sender, bytes }) => [String(sender ?? ""), Number(bytes)]));
    },
    async append(rejections) {
      const { request, payloads } = appending(refusedMessages(rejections));
      await write(request, [payloads]);
    },
    async markReplayed(id, atMs) {
      await write({ kind: "replayed", entry: entryNumber(id), atMs });
    },
    async close() {
      retention?.close();
      await writer.close();
      database.close();
    },
  };
}

/** The payloads in one piece: each by itself would be copied with all that stands around it in memory. */
function appending(refused: readonly RefusedMessage[]): { request: RejectedRequest; payloads: ArrayBuffer } {
  const payloads = new Uint8Array(refused.reduce((sum, { payload }) => sum + payload.length, 0));
  let at = 0;
  const messages = refused.map(({ payload, ...message }) => {
    payloads.set(payload, at);
    at += payload.length;
    return { ...message, payloadBytes: payload.length };
  });
  return { request: { kind: "append", messages, payloads }, payloads: payloads.buffer };
}
