import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { BroadcastChannel } from "node:worker_threads";
import type { MeterRecord } from "@meterbook/core/domain/registry";
import type { Registry, RegistryChange } from "@meterbook/core/ports/registry";
import { appendError } from "./append-error.ts";

/** Positions grow with every record put; only the newest record of a meter is kept. */
const schema = `
  CREATE TABLE IF NOT EXISTS record (meter_id TEXT PRIMARY KEY, position INTEGER NOT NULL UNIQUE, body TEXT NOT NULL) WITHOUT ROWID;
  PRAGMA user_version = 1;
`;

const changesPerCallMax = 5000;
/** Followers of this process are woken by a message; those of others look this often, in milliseconds. */
const lookEveryMs = 500;

/** Master data in `<dataDir>/registry.db`; any number of threads may put, read and follow. */
export async function openEmbeddedRegistry(options: { dataDir: string }): Promise<Registry> {
  const database = new DatabaseSync(join(options.dataDir, "registry.db"), { timeout: 10_000 });
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec(schema);
  const channel = new BroadcastChannel(`meterbook.registry:${options.dataDir}`);
  channel.unref();
  const put = recordWrites(database);
  const get = database.prepare("SELECT body FROM record WHERE meter_id = ?");
  const list = database.prepare("SELECT body FROM record WHERE meter_id > ? ORDER BY meter_id LIMIT ?");
  const followers = new Set<Follower>();
  channel.onmessage = () => wakeAll();

  function wakeAll(): void {
    for (const follower of followers) follower.wake();
  }

  return {
    async put(records) {
      put(records);
      channel.postMessage("put");
      wakeAll();
    },
    async get(meterId) {
      const row = get.get(meterId);
      return row === undefined ? undefined : record(row);
    },
    list: async ({ afterMeterId, limit }) => list.all(afterMeterId ?? "", limit).map(record),
    async follow(changed, wants = () => true) {
      const follower = follow(database, changed, wants);
      followers.add(follower);
      await follower.caughtUp;
      return {
        async close() {
          followers.delete(follower);
          await follower.close();
        },
      };
    },
    async close() {
      for (const follower of followers) await follower.close();
      channel.close();
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

interface Follower {
  /** Settles when what the registry held at the start was delivered. */
  readonly caughtUp: Promise<void>;
  wake(): void;
  close(): Promise<void>;
}

/** Delivers changes one call at a time; a call that fails is made again at the next look. */
function follow(
  database: DatabaseSync,
  changed: (changes: readonly RegistryChange[]) => Promise<void>,
  wants: (meterId: string) => boolean,
): Follower {
  const page = database.prepare(
    "SELECT meter_id, position, body FROM record WHERE position > ? ORDER BY position LIMIT ?",
  );
  let seen = 0;
  let closed = false;
  let again = false;
  let running: Promise<void> | undefined;

  async function deliver(): Promise<void> {
    do {
      again = false;
      const rows = closed ? [] : page.all(seen, changesPerCallMax);
      if (rows.length === 0) continue;
      const wanted = rows.filter((row) => wants(String(row["meter_id"])));
      const changes = wanted.map((row) => ({ position: Number(row["position"]), record: record(row) }));
      if (changes.length > 0) await changed(changes);
      seen = Number(rows.at(-1)?.["position"] ?? seen);
      again = true;
    } while (again);
  }

  function wake(): void {
    again = true;
    if (running !== undefined || closed) return;
    running = deliver()
      .catch(() => undefined)
      .finally(() => {
        running = undefined;
      });
  }

  const timer = setInterval(wake, lookEveryMs);
  timer.unref();
  const caughtUp = deliver();
  running = caughtUp.finally(() => {
    running = undefined;
  });
  return {
    caughtUp,
    wake,
    async close() {
      closed = true;
      clearInterval(timer);
      await running?.catch(() => undefined);
    },
  };
}

function record(row: Record<string, unknown>): MeterRecord {
  return JSON.parse(String(row["body"])) as MeterRecord;
}
