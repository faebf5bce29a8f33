import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { BroadcastChannel } from "node:worker_threads";
import { type MasterDataChange, setting } from "@meterbook/core/domain/registry/master-data-change";
import type { Clock } from "@meterbook/core/ports/clock";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { Registry } from "@meterbook/core/ports/registry";
import { sealChange } from "@meterbook/core/records/registry-change-protobuf";
import { registryFold } from "../../sqlite-views/registry/registry-fold.ts";
import { registryFollowers } from "../../sqlite-views/registry/registry-followers.ts";
import { registryReads } from "../../sqlite-views/registry/registry-reads.ts";
import { recordReader, registrySchema } from "../../sqlite-views/registry/registry-table.ts";
import { durableTransactions, openDurableDatabase } from "../database/durable-database.ts";

/** Followers of this process are woken by a message; those of others look this often, in milliseconds. */
const lookEveryMs = 500;

export function openRegistryDatabase(dataDir: string): DatabaseSync {
  return openDurableDatabase(dataDir, "registry", registrySchema);
}

export interface EmbeddedRegistryOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  /** Told of records that cannot be read, by whoever reads. */
  readonly damaged?: TellDamage;
}

/** Master data in `<dataDir>/registry.db`; any number of threads may change, read and follow. */
export async function openEmbeddedRegistry(options: EmbeddedRegistryOptions): Promise<Registry> {
  const database = openRegistryDatabase(options.dataDir);
  const channel = new BroadcastChannel(`meterbook.registry:${options.dataDir}`);
  channel.unref();
  const { clock, damaged = () => undefined } = options;
  const read = recordReader({ damaged, nowMs: () => clock.nowMs(), whereOf: (position) => `position ${position}` });
  const { rows, meterAsOf, ...reads } = registryReads(database, read);
  const followers = registryFollowers({ rows, meterAsOf, ...reads });
  const fold = registryFold(database);
  const inTransaction = durableTransactions(database);
  channel.onmessage = followers.wake;
  const timer = setInterval(followers.wake, lookEveryMs);
  timer.unref();

  /** The file's lock decides which of two comes first. */
  function take(changes: readonly MasterDataChange[]) {
    return inTransaction(() => {
      let position = rows.lastPosition();
      return changes.map((change) => {
        const sealed = sealChange({ ...change, id: randomUUID(), recordedAtMs: clock.nowMs() });
        const outcome = fold.take(sealed, position + 1);
        if (outcome.outcome === "applied") position += 1;
        return outcome;
      });
    });
  }

  async function apply(changes: readonly MasterDataChange[]) {
    const outcomes = take(changes);
    channel.postMessage("changed");
    followers.wake();
    return outcomes;
  }

  return {
    ...reads,
    newest: async () => rows.lastPosition(),
    follow: followers.follow,
    apply,
    put: async (records, by = "") => void (await apply(records.map((meter) => setting(meter, by)))),
    async close() {
      clearInterval(timer);
      channel.close();
      await followers.close();
      database.close();
    },
  };
}
