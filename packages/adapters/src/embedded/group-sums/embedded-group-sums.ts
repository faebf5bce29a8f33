import type { DatabaseSync } from "node:sqlite";
import type { BaseUnit } from "@meterbook/core/domain/reading/reading";
import type { DayRange, GroupSums, GroupSumsReader, GroupSumsWriter } from "@meterbook/core/ports/group-sums";
import { durableTransactions, openDurableDatabase } from "../database/durable-database.ts";

/** A month of a group's register lies together: that is what curves read. */
const schema = `
  CREATE TABLE IF NOT EXISTS group_day (group_id TEXT NOT NULL, register TEXT NOT NULL, day INTEGER NOT NULL,
    partition INTEGER NOT NULL, unit TEXT NOT NULL, sums BLOB NOT NULL,
    PRIMARY KEY (group_id, register, day, partition, unit)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS group_day_of_partition ON group_day (partition, day);
  CREATE TABLE IF NOT EXISTS member (group_id TEXT NOT NULL, partition INTEGER NOT NULL, meters INTEGER NOT NULL,
    ids TEXT NOT NULL, PRIMARY KEY (group_id, partition)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS member_of_partition ON member (partition);
  CREATE TABLE IF NOT EXISTS pending_days (partition INTEGER NOT NULL, from_day INTEGER NOT NULL,
    to_day INTEGER NOT NULL, PRIMARY KEY (partition, from_day, to_day)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS begun (partition INTEGER PRIMARY KEY);
`;

function open(dataDir: string): DatabaseSync {
  return openDurableDatabase(dataDir, "groups", schema);
}

/**
 * The sums of groups in `<dataDir>/groups.db`. Nothing depends on it: without it, it is made again from the store. What
 * has changed is on disk before the call ends. A power cut may take sums, and their days are pending then: all stands
 * in the file in the order in which it was said.
 */
export function openEmbeddedGroupSums({ dataDir }: { readonly dataDir: string }): GroupSums {
  const [database, relaxed] = [open(dataDir), open(dataDir)];
  relaxed.exec("PRAGMA synchronous = NORMAL");
  const inTransaction = durableTransactions(database);
  const later = durableTransactions(relaxed);
  const [noting, writes] = [statements(database), statements(relaxed)];
  return {
    open: async (partition): Promise<GroupSumsWriter> => ({
      pending: async () =>
        writes.begun.get(partition) === undefined ? undefined : writes.pending.all(partition).map(rangeOf),
      changed: async (days) =>
        inTransaction(() => {
          noting.begin.run(partition);
          for (const { from, to } of days) noting.note.run(partition, from, to);
        }),
      put: async (day, sums) =>
        later(() => {
          writes.drop.run(partition, day);
          for (const one of sums) writes.put.run(one.groupId, one.register, day, partition, one.unit, one.sums);
        }),
      summed: async (pending) =>
        later(() => {
          writes.begin.run(partition);
          writes.forget.run(partition);
          for (const { from, to } of pending) writes.note.run(partition, from, to);
        }),
      members: async (groups) =>
        later(() => {
          writes.leave.run(partition);
          for (const { groupId, meters, meterIds } of groups)
            writes.join.run(groupId, partition, meters, JSON.stringify(meterIds));
        }),
    }),
    async close() {
      relaxed.close();
      database.close();
    },
  };
}

function statements(database: DatabaseSync) {
  return {
    begun: database.prepare("SELECT partition FROM begun WHERE partition = ?"),
    begin: database.prepare("INSERT OR IGNORE INTO begun (partition) VALUES (?)"),
    pending: database.prepare("SELECT from_day, to_day FROM pending_days WHERE partition = ? ORDER BY from_day"),
    note: database.prepare("INSERT OR IGNORE INTO pending_days (partition, from_day, to_day) VALUES (?, ?, ?)"),
    forget: database.prepare("DELETE FROM pending_days WHERE partition = ?"),
    drop: database.prepare("DELETE FROM group_day WHERE partition = ? AND day = ?"),
    put: database.prepare(
      "INSERT INTO group_day (group_id, register, day, partition, unit, sums) VALUES (?, ?, ?, ?, ?, ?)",
    ),
    leave: database.prepare("DELETE FROM member WHERE partition = ?"),
    join: database.prepare("INSERT INTO member (group_id, partition, meters, ids) VALUES (?, ?, ?, ?)"),
  };
}

function rangeOf(row: Record<string, unknown>): DayRange {
  return { from: Number(row["from_day"]), to: Number(row["to_day"]) };
}

/** Reads of `<dataDir>/groups.db`, on a connection of its own. */
export function openEmbeddedGroupSumsReader({ dataDir }: { readonly dataDir: string }): GroupSumsReader {
  const database = open(dataDir);
  const list = database.prepare(`
    SELECT group_id, sum(meters) AS meters FROM member WHERE group_id > ? AND group_id >= ? AND group_id < ?
    GROUP BY group_id ORDER BY group_id LIMIT ?`);
  const size = database.prepare("SELECT count(*) AS parts, sum(meters) AS meters FROM member WHERE group_id = ?");
  const named = database.prepare("SELECT ids FROM member WHERE group_id = ? ORDER BY partition");
  // One look-up for each register, not a walk over all days.
  const registers = database.prepare(`
    WITH RECURSIVE found(register) AS (SELECT min(register) FROM group_day WHERE group_id = ?1
      UNION ALL SELECT (SELECT min(register) FROM group_day WHERE group_id = ?1 AND register > found.register)
        FROM found WHERE register IS NOT NULL)
    SELECT register FROM found WHERE register IS NOT NULL`);
  const days = database.prepare(`
    SELECT day, unit, sums FROM group_day WHERE group_id = ? AND register = ? AND day BETWEEN ? AND ?
    ORDER BY day, partition`);
  const pending = database.prepare(`
    SELECT from_day, to_day FROM pending_days WHERE from_day <= ? AND to_day >= ? ORDER BY from_day`);
  return {
    groups: async ({ prefix, afterGroupId = "", limit }) =>
      list.all(afterGroupId, prefix, `${prefix}\u{10ffff}`, limit).map((row) => ({
        groupId: String(row["group_id"]),
        meters: Number(row["meters"]),
      })),
    async group(groupId) {
      const { parts = 0, meters = 0 } = size.get(groupId) ?? {};
      const known = registers.all(groupId).map((row) => String(row["register"]));
      return parts === 0 && known.length === 0 ? undefined : { groupId, meters: Number(meters), registers: known };
    },
    memberIds: async (groupId) => named.all(groupId).flatMap((row) => JSON.parse(String(row["ids"])) as string[]),
    days: async (groupId, register, { from, to }) =>
      days.all(groupId, register, from, to).map((row) => ({
        day: Number(row["day"]),
        unit: String(row["unit"]) as BaseUnit,
        sums: row["sums"] as Uint8Array,
      })),
    pending: async ({ from, to }) => pending.all(to, from).map(rangeOf),
    close: async () => database.close(),
  };
}
