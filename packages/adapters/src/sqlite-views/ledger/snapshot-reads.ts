import type { DatabaseSync, StatementSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Damage } from "@meterbook/core/domain/damage/damage";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { unreadableRevision } from "@meterbook/core/domain/snapshot/snapshot";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { type DamageEars, noEars, type TellDamage } from "@meterbook/core/ports/damage-log";
import type {
  ChangesPage,
  LatestPage,
  LedgerEntry,
  RevisionRecord,
  SnapshotView,
} from "@meterbook/core/ports/snapshot-ledger";
import { checkedRecord } from "@meterbook/core/records/record-checksum";
import type { LedgerPlace } from "@meterbook/sharding/ledger-place";
import { numberOfRule } from "./finding-months.ts";
import { issuedPeriods } from "./issued-periods.ts";
import { ledgerPlaces } from "./ledger-places.ts";
import type { LedgerKey, LedgerRecord } from "./ledger-record.ts";
import { ledgerDamage, readLedgerRecord, verifyLedgerRecord } from "./ledger-record.ts";
import { placeOfRow, rowOf } from "./ledger-row.ts";
import { ledgerSeals } from "./ledger-seals.ts";
import { pointMonthReads } from "./point-months.ts";
import { indexedQuality } from "./quality-months.ts";

export interface SnapshotReads {
  readonly reads: Omit<SnapshotView, "catchUp">;
  /** @throws AdapterError `record_damaged` */
  findSync(meterId: string, period: number, revision?: number): Snapshot | undefined;
}

/**
 * Reads of the tables of `snapshotSchema`; `changes` as `issuedPeriods` has it. Lists leave out what cannot be read and
 * go on. If the newest revision of a meter cannot be read, it still counts as issued (`latestOfMeter`), and asking for
 * it is an AdapterError `record_damaged`.
 */
export function snapshotReads(
  database: DatabaseSync,
  ears: DamageEars = noEars,
  changes?: () => number,
): SnapshotReads {
  const periods = issuedPeriods(database, changes);
  const { findSync, revisions, ofMeter, ofMeters } = meterReads(database, ears, periods);
  const places = ledgerPlaces(database);
  const seals = ledgerSeals(database);
  const { latestOf, recordsOf, changesOf } = listReads(database, ears);
  const meters = database.prepare("SELECT count(DISTINCT meter_id) AS meters FROM revision WHERE period = ?");
  return {
    findSync,
    reads: {
      latest: latestOf,
      latestRecords: recordsOf,
      changes: async (page) => atMost(page.limit, changesOf(page, places.last())),
      find: async (meterId, period, revision) => findSync(meterId, period, revision),
      revisions: async (meterId, period, leftOut) => revisions(meterId, period, leftOut),
      latestOfMeter: async (meterId, fromPeriod) => ofMeter(meterId, fromPeriod),
      latestOfMeters: async (meterIds, fromPeriod) => ofMeters(meterIds, fromPeriod),
      ...pointMonthReads(database),
      issuedMeters: async (period) => Number(meters.get(period)?.["meters"]),
      periods: async () => periods(),
      placeBefore: async (atMs) => places.before(atMs),
      lastPlace: async () => places.last(),
      seals: async (period) => seals.ofPeriod(period),
      sealGrowth: async (period) => seals.growth(period),
      sealedRecord: async (key) => seals.sealedRecord(key),
    },
  };
}

interface LatestRow extends LedgerKey {
  readonly sequence: number;
  readonly body: Uint8Array | null;
}

type Unreadable = Extract<LedgerRecord, { snapshot?: undefined }>;

function told(ears: DamageEars, record: Unreadable, at: Parameters<typeof ledgerDamage>[1]): Damage {
  const damage = ledgerDamage(record, at, ears.nowMs());
  ears.tell(damage);
  return damage;
}

const nobody: TellDamage = () => undefined;

/** What was asked for by its name must not be answered as if it were not there. */
function refuse({ where, detail: why, code, id }: Damage): never {
  const detail = `${where}: ${why} (${code}, GET /v1/damage has it as ${id})`;
  throw new AdapterError("record_damaged", { retryable: false, detail });
}

/** Of one meter: checked whole, the content's hash too. */
function meterReads(database: DatabaseSync, ears: DamageEars, periods: () => readonly number[]) {
  const ofRevision = "SELECT r.revision, l.body FROM revision r LEFT JOIN ledger l USING (sequence)";
  const one = database.prepare(`${ofRevision} WHERE r.period = ? AND r.meter_id = ? AND r.revision = ?`);
  const all = database.prepare(`${ofRevision} WHERE r.period = ? AND r.meter_id = ? ORDER BY r.revision`);
  const newest = database.prepare(
    `${ofRevision} WHERE r.period = ? AND r.meter_id = ? ORDER BY r.revision DESC LIMIT 1`,
  );
  // One statement for all: a statement a meter cost a third of a close of meters of which nothing was issued.
  const newestOfMany = database.prepare(`
    SELECT m.key, r.revision, l.body FROM json_each(?1) m
      CROSS JOIN revision r ON r.period = ?2 AND r.meter_id = m.value
      AND r.revision = (SELECT max(revision) FROM revision WHERE period = ?2 AND meter_id = m.value)
      LEFT JOIN ledger l USING (sequence)`);
  newestOfMany.setReturnArrays(true);

  function read(
    row: Record<string, unknown>,
    { meterId, period }: Pick<LedgerKey, "meterId" | "period">,
    leftOut: TellDamage = refuse,
  ): Snapshot | undefined {
    const key = { meterId, period, revision: Number(row["revision"]) };
    const record = verifyLedgerRecord(row["body"] as Uint8Array | null, key);
    if (record.snapshot === undefined) leftOut(told(ears, record, { key }));
    return record.snapshot;
  }

  function issuedOf(meterId: string, period: number): Snapshot | undefined {
    const row = newest.get(period, meterId);
    if (row === undefined) return undefined;
    return issuedIn(row["body"] as Uint8Array | null, { meterId, period, revision: Number(row["revision"]) });
  }

  /** What cannot be read still counts as issued. */
  function issuedIn(body: Uint8Array | null, key: LedgerKey): Snapshot {
    const record = readLedgerRecord(body, key);
    if (record.snapshot !== undefined) return record.snapshot;
    told(ears, record, { key });
    return unreadableRevision(key);
  }

  function ofMeters(meterIds: readonly string[], fromPeriod: number): Snapshot[][] {
    const found = meterIds.map((): Snapshot[] => []);
    const ids = JSON.stringify(meterIds);
    for (const period of periods()) {
      if (period < fromPeriod) continue;
      const rows = newestOfMany.all(ids, period) as unknown as [number, number, Uint8Array | null][];
      for (const [index, revision, body] of rows) {
        found[index]?.push(issuedIn(body, { meterId: meterIds[index] as string, period, revision }));
      }
    }
    return found;
  }

  return {
    findSync(meterId: string, period: number, revision?: number): Snapshot | undefined {
      const row = revision === undefined ? newest.get(period, meterId) : one.get(period, meterId, revision);
      return row === undefined ? undefined : read(row, { meterId, period });
    },
    revisions: (meterId: string, period: number, leftOut: TellDamage = nobody) =>
      all.all(period, meterId).flatMap((row) => read(row, { meterId, period }, leftOut) ?? []),
    ofMeter: (meterId: string, fromPeriod: number) =>
      periods()
        .filter((period) => period >= fromPeriod)
        .flatMap((period) => issuedOf(meterId, period) ?? []),
    ofMeters,
  };
}

/** Rows of an index that are read at a time at least: all of them may be what earlier revisions had. */
const indexPageMin = 100;

/**
 * Of many meters. Only the bytes and the key are checked, so that an export stays as fast as it is; `verify` checks the
 * hashes.
 */
function listReads(database: DatabaseSync, ears: DamageEars) {
  // With max() SQLite takes the other columns from the row that has it, so this is one walk along the key.
  const latest = database.prepare(`
    SELECT r.sequence, l.body, r.meter_id, r.revision FROM
      (SELECT meter_id, sequence, max(revision) AS revision FROM revision
        WHERE period = ? AND meter_id > ? GROUP BY meter_id ORDER BY meter_id LIMIT ?) r
      LEFT JOIN ledger l USING (sequence) ORDER BY r.meter_id`);
  latest.setReturnArrays(true);
  const ofQuality = indexed(database, "quality_month", "quality");
  const ofRule = indexed(database, "finding_month", "rule");
  const changes = database.prepare(
    "SELECT sequence, body FROM ledger WHERE sequence > ? AND sequence < ? ORDER BY sequence LIMIT ?",
  );
  const keyOf = database.prepare("SELECT period, meter_id, revision FROM revision WHERE sequence = ?");

  function found({ period, limit, quality, finding }: LatestPage, afterMeterId: string) {
    if (finding !== undefined) return ofRule.all(period, numberOfRule(finding), afterMeterId, limit);
    const number = quality === undefined ? undefined : indexedQuality(quality);
    if (number !== undefined) return ofQuality.all(period, number, afterMeterId, limit);
    return latest.all(period, afterMeterId, limit);
  }

  /**
   * Of the newest revision of each meter, of an index those of which it ever was so. What is left out leaves room:
   * fewer would mean the end. A whole index may be left out, so others get their turn between two reads.
   */
  async function take<Entry>(page: LatestPage, entryOf: (row: LatestRow) => Entry | undefined): Promise<Entry[]> {
    const { period, quality, finding } = page;
    const isIndexed = quality !== undefined || finding !== undefined;
    const limit = isIndexed ? Math.max(page.limit, indexPageMin) : page.limit;
    const taken: Entry[] = [];
    for (let after = page.afterMeterId ?? ""; ; await nextTurn()) {
      const rows = found({ ...page, limit }, after) as unknown as [number, Uint8Array | null, string, number][];
      for (const [sequence, body, meterId, revision] of rows) {
        const entry = entryOf({ sequence, body, meterId, period, revision });
        if (entry !== undefined && taken.push(entry) === page.limit) return taken;
        after = meterId;
      }
      if (rows.length < limit) return taken;
    }
  }

  function latestOf(page: LatestPage): Promise<LedgerEntry[]> {
    const { leftOut: leave = nobody } = page;
    return take(page, ({ sequence, body, ...key }) => {
      const record = readLedgerRecord(body, key);
      if (record.snapshot === undefined) leave(told(ears, record, { key }));
      else if (isWanted(record.snapshot, page)) return { ...placeOfRow(sequence), snapshot: record.snapshot };
      return undefined;
    });
  }

  function recordsOf(page: LatestPage): Promise<RevisionRecord[]> {
    const { leftOut: leave = nobody } = page;
    return take(page, ({ body, meterId, period, revision }) => {
      const record = body === null ? undefined : checkedRecord(body);
      if (record !== undefined) return { meterId, period, revision, record };
      leave(told(ears, readLedgerRecord(body) as Unreadable, { key: { meterId, period, revision } }));
      return undefined;
    });
  }

  /** Shards that are empty at the time of the call are left alone. */
  function* changesOf(
    { after, limit, leftOut: leave = nobody }: ChangesPage,
    end: LedgerPlace,
  ): Generator<LedgerEntry> {
    for (const shard of end.keys()) {
      let from = rowOf({ shard, sequence: after[shard] ?? 0 });
      const next = rowOf({ shard: shard + 1, sequence: 0 });
      for (;;) {
        const rows = changes.all(from, next, limit);
        for (const { sequence, body } of rows) {
          from = Number(sequence);
          const place = placeOfRow(from);
          const record = readLedgerRecord(body as Uint8Array);
          if (record.snapshot !== undefined) yield { ...place, snapshot: record.snapshot };
          else leave(told(ears, record, { key: keyAt(from), place }));
        }
        if (rows.length < limit) break;
      }
    }
  }

  function keyAt(sequence: number): LedgerKey | undefined {
    const row = keyOf.get(sequence);
    if (row === undefined) return undefined;
    return { meterId: String(row["meter_id"]), period: Number(row["period"]), revision: Number(row["revision"]) };
  }

  return { latestOf, recordsOf, changesOf };
}

function atMost<Entry>(limit: number, entries: Iterable<Entry>): Entry[] {
  const page: Entry[] = [];
  for (const entry of entries) {
    page.push(entry);
    if (page.length === limit) break;
  }
  return page;
}

/** Newest revisions of an index by meter and month. */
function indexed(database: DatabaseSync, table: string, column: string): StatementSync {
  const statement = database.prepare(`
    SELECT r.sequence, l.body, i.meter_id, r.revision FROM ${table} i
      JOIN revision r ON r.period = i.period AND r.meter_id = i.meter_id
      AND r.revision = (SELECT max(revision) FROM revision n WHERE n.period = i.period AND n.meter_id = i.meter_id)
      LEFT JOIN ledger l USING (sequence)
      WHERE i.period = ? AND i.${column} = ? AND i.meter_id > ? ORDER BY i.meter_id LIMIT ?`);
  statement.setReturnArrays(true);
  return statement;
}

/** An index leads also to what an earlier revision had. */
function isWanted({ registers }: Snapshot, { quality, finding }: LatestPage): boolean {
  if (quality !== undefined && !registers.some((row) => row.quality === quality)) return false;
  if (finding === undefined) return true;
  return registers.some(({ findings }) => findings.some(({ rule }) => finding === "any" || finding === rule));
}
