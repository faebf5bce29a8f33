import type { DatabaseSync } from "node:sqlite";
import { BroadcastChannel } from "node:worker_threads";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { Clock } from "@meterbook/core/ports/clock";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { Registry } from "@meterbook/core/ports/registry";
import { encodeMeterRecord } from "@meterbook/core/records/meter-record-protobuf";
import { registryFollowers } from "../../sqlite-views/registry/registry-followers.ts";
import { recordReader, registrySchema, registryTable } from "../../sqlite-views/registry/registry-table.ts";
import { durableTransactions, openDurableDatabase } from "../database/durable-database.ts";

/** Followers of this process are woken by a message; those of others look this often, in milliseconds. */
const lookEveryMs = 500;

export function openRegistryDatabase(dataDir: string): DatabaseSync {
  return openDurableDatabase(dataDir, "registry", `${registrySchema} PRAGMA user_version = 2;`);
}

export interface EmbeddedRegistryOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  /** Told of records that cannot be read, by whoever reads. */
  readonly damaged?: TellDamage;
}

/** Master data in `<dataDir>/registry.db`; any number of threads may put, read and follow. */
export async function openEmbeddedRegistry(options: EmbeddedRegistryOptions): Promise<Registry> {
  const database = openRegistryDatabase(options.dataDir);
  const channel = new BroadcastChannel(`meterbook.registry:${options.dataDir}`);
  channel.unref();
  const put = recordWrites(database);
  const { clock, damaged = () => undefined } = options;
  const read = recordReader({ damaged, nowMs: () => clock.nowMs(), whereOf: (position) => `position ${position}` });
  const table = registryTable(database, read);
  const followers = registryFollowers(table);
  channel.onmessage = followers.wake;
  const timer = setInterval(followers.wake, lookEveryMs);
  timer.unref();

  return {
    get: table.get,
    list: table.list,
    newest: async () => table.newest(),
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

function recordWrites(database: DatabaseSync): (records: readonly MeterRecord[]) => void {
  const insert = database.prepare(`
    INSERT INTO record (meter_id, position, body) VALUES (?1, (SELECT coalesce(max(position), 0) + 1 FROM record), ?2)
    ON CONFLICT (meter_id) DO UPDATE SET position = excluded.position, body = excluded.body`);
  const inTransaction = durableTransactions(database);
  return (records) =>
    inTransaction(() => {
      for (const one of records) insert.run(one.meterId, encodeMeterRecord(one));
    });
}
