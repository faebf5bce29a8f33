import type { DatabaseSync } from "node:sqlite";
import { BroadcastChannel } from "node:worker_threads";
import type { MeterGaps } from "@meterbook/core/domain/gap/meter-gaps";
import type { GapLog } from "@meterbook/core/ports/gap-log";
import { gapFollowers } from "../../sqlite-views/gap-log/gap-followers.ts";
import { encodeMeterGaps, isNothing } from "../../sqlite-views/gap-log/gap-record.ts";
import { gapSchema, gapTable, gapWrites } from "../../sqlite-views/gap-log/gap-table.ts";
import { durableTransactions, openDurableDatabase } from "../database/durable-database.ts";

/** Followers of this process are woken by a message; those of others look this often, in milliseconds. */
const lookEveryMs = 500;

/** The newest that was given: a record that is taken out must not give its position to another. */
const positionSchema = "CREATE TABLE IF NOT EXISTS newest (one INTEGER PRIMARY KEY, position INTEGER NOT NULL);";

/**
 * The gap log in `<dataDir>/gaps.db`; any number of threads may put, read and follow. Nothing that is billed depends on
 * it: without it, gaps are found anew, and nobody knows what was asked when.
 */
export function openEmbeddedGapLog({ dataDir }: { readonly dataDir: string }): GapLog {
  const database = openDurableDatabase(dataDir, "gaps", `${gapSchema} ${positionSchema}`);
  const channel = new BroadcastChannel(`meterbook.gaps:${dataDir}`);
  channel.unref();
  const table = gapTable(database);
  const followers = gapFollowers(table);
  channel.onmessage = followers.wake;
  const timer = setInterval(followers.wake, lookEveryMs);
  timer.unref();
  const put = recordWrites(database);
  return {
    get: table.get,
    list: table.list,
    follow: followers.follow,
    async put(records) {
      put(records);
      channel.postMessage("put");
      followers.wake();
    },
    async close() {
      clearInterval(timer);
      channel.close();
      await followers.close();
      database.close();
    },
  };
}

function recordWrites(database: DatabaseSync): (records: readonly MeterGaps[]) => void {
  const newest = database.prepare("SELECT position FROM newest");
  const keepNewest = database.prepare("INSERT OR REPLACE INTO newest (one, position) VALUES (1, ?)");
  const writes = gapWrites(database);
  const inTransaction = durableTransactions(database);
  return (records) =>
    inTransaction(() => {
      let position = Number(newest.get()?.["position"] ?? 0);
      for (const one of records) {
        if (isNothing(one)) writes.remove(one.meterId);
        else writes.put(one, ++position, encodeMeterGaps(one));
      }
      keepNewest.run(position);
    });
}
