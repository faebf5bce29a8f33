import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { BroadcastChannel } from "node:worker_threads";
import type { MeterRecord } from "@meterbook/core/domain/registry";
import type { Registry } from "@meterbook/core/ports/registry";
import { registryFollowers } from "../views/registry-followers.ts";
import { registrySchema, registryTable } from "../views/registry-table.ts";
import { appendError } from "./append-error.ts";

const schema = `
  ${registrySchema("TEXT")}
  PRAGMA user_version = 1;
`;

/** Followers of this process are woken by a message; those of others look this often, in milliseconds. */
const lookEveryMs = 500;

export function openRegistryDatabase(dataDir: string): DatabaseSync {
  const database = new DatabaseSync(join(dataDir, "registry.db"), { timeout: 10_000 });
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec(schema);
  return database;
}

/** Master data in `<dataDir>/registry.db`; any number of threads may put, read and follow. */
export async function openEmbeddedRegistry(options: { dataDir: string }): Promise<Registry> {
  const database = openRegistryDatabase(options.dataDir);
  const channel = new BroadcastChannel(`meterbook.registry:${options.dataDir}`);
  channel.unref();
  const put = recordWrites(database);
  const table = registryTable(database, (body) => JSON.parse(String(body)) as MeterRecord);
  const followers = registryFollowers(table);
  channel.onmessage = followers.wake;
  const timer = setInterval(followers.wake, lookEveryMs);
  timer.unref();

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

function recordWrites(database: DatabaseSync): (records: readonly MeterRecord[]) => void {
  const insert = database.prepare(`
    INSERT INTO record (meter_id, position, body) VALUES (?1, (SELECT coalesce(max(position), 0) + 1 FROM record), ?2)
    ON CONFLICT (meter_id) DO UPDATE SET position = excluded.position, body = excluded.body`);
  return (records) => {
    try {
      database.exec("BEGIN IMMEDIATE");
      for (const one of records) insert.run(one.meterId, JSON.stringify(one));
      database.exec("COMMIT");
    } catch (cause) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw appendError(cause);
    }
  };
}
