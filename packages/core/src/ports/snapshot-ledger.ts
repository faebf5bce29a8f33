import type { EntryPlace, LedgerPlace } from "@meterbook/sharding/ledger-place";
import type { Seal, SealedRecord, SealGrowth } from "../domain/seal/seal.ts";
import type { RuleCode } from "../domain/snapshot/finding.ts";
import type { RevisionKey } from "../domain/snapshot/revision-place.ts";
import type { Snapshot, SnapshotQuality } from "../domain/snapshot/snapshot.ts";
import type { TellDamage } from "./damage-log.ts";

/**
 * The issued snapshots, append-only.
 *
 * Promises of every adapter (test/contracts/snapshot-ledger.contract.ts):
 * - `append` resolves once all survive a crash and the reads of this ledger see them; it is kept whole or not at all; a
 *   revision that is there already with the same hash and lifecycle is left alone, with another the whole append is
 *   refused with an error (an issued revision never changes);
 * - nothing is ever updated or deleted.
 */
export interface SnapshotLedger extends SnapshotView {
  /**
   * One at a time: the next begins when the one before has ended. A rejection does not say that nothing was kept, and
   * reads may show it later: whoever goes on asks the ledger again what is issued.
   *
   * @throws AdapterError `ledger_fenced` where the right to issue is another's, or may be: whether the append is kept
   * is not known then, and this ledger takes no more. `SnapshotLedgers.open` takes the right anew and tells what is
   * there.
   */
  append(snapshots: readonly Snapshot[]): Promise<void>;
  /**
   * Seals each period that has grown in this shard since it was sealed last, by the Merkle root over the records that
   * it holds of it; nothing where none has. Neither during an append nor the other way round; fails as `append` does.
   *
   * @param atMs log time
   */
  seal(atMs: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * The ledger as its writers see it: a shard for each partition of the readings log, and in it all that was issued for
 * the partition's meters.
 */
export interface SnapshotLedgers {
  /**
   * Takes over the right to issue for a partition: what an owner before appends from now on is refused with an
   * AdapterError `ledger_fenced`, and all that it appended is in this one's view. The reads show this shard; they may
   * show others too.
   */
  open(partition: number): Promise<SnapshotLedger>;
  close(): Promise<void>;
}

/**
 * A ledger entry with its place: `sequence` grows by issue within its shard, with gaps. The same in every view of a
 * ledger.
 */
export interface LedgerEntry extends EntryPlace {
  readonly snapshot: Snapshot;
}

/** The record of a revision (proto/meterbook/v1/snapshot.proto) without its checksum. */
export interface RevisionRecord extends RevisionKey {
  readonly record: Uint8Array;
}

export interface PeriodSeals {
  /** The newest of each shard that has one, by shard. */
  readonly seals: readonly Seal[];
  /** How many records of the period there are, sealed or not. */
  readonly records: number;
}

export interface LatestPage {
  readonly period: number;
  readonly afterMeterId?: string;
  readonly limit: number;
  /** Only those whose latest revision has a row of this quality. */
  readonly quality?: SnapshotQuality | undefined;
  /** Only those of whose latest revision this rule, or any, says something. By an index: the others cost nothing. */
  readonly finding?: RuleCode | "any" | undefined;
  /** Told of what cannot be read and is not in the page, whoever else is told too. */
  readonly leftOut?: TellDamage | undefined;
}

export interface PointsPage {
  readonly period: number;
  readonly afterUsagePointId?: string;
  readonly limit: number;
}

export interface ChangesPage {
  readonly after: LedgerPlace;
  readonly limit: number;
  readonly leftOut?: TellDamage | undefined;
}

/**
 * Reads of the ledger: safe from any process; they see only what is kept for good, a large append maybe part by part in
 * its order, and pages stay right while snapshots are issued. Pages hold at most `limit` entries; fewer means the end.
 */
export interface SnapshotView {
  /** The latest revision of each meter of a period, ordered by meter id. */
  latest(options: LatestPage): Promise<readonly LedgerEntry[]>;
  /**
   * The same, as the records that are kept, byte for byte. The caller checks whether a record is a snapshot, and that
   * of its key. For long lists, where decoding each snapshot would cost most.
   */
  latestRecords(options: LatestPage): Promise<readonly RevisionRecord[]>;
  /**
   * Every issued revision after a place: the shards one after another, each in its order of issue. So a meter's come in
   * their order, also where shards were added since: a meter moves to a shard of a higher number, and what stands in
   * the lower one comes first.
   */
  changes(options: ChangesPage): Promise<readonly LedgerEntry[]>;
  /** The latest revision where `revision` is absent. */
  find(meterId: string, period: number, revision?: number): Promise<Snapshot | undefined>;
  /** All revisions of one meter and period, ascending. */
  revisions(meterId: string, period: number, leftOut?: TellDamage): Promise<readonly Snapshot[]>;
  /** The latest revision of each period of one meter from `fromPeriod` on, ascending. */
  latestOfMeter(meterId: string, fromPeriod: number): Promise<readonly Snapshot[]>;
  /** The same of many meters at once, in the order of `meterIds`. */
  latestOfMeters(meterIds: readonly string[], fromPeriod: number): Promise<readonly (readonly Snapshot[])[]>;
  /**
   * Ids of the meters of which any revision of the period, whichever is the latest, names the usage point; ascending.
   */
  metersOfUsagePoint(period: number, usagePointId: string): Promise<readonly string[]>;
  /** Ids of the usage points that any revision of the period names, ascending. */
  issuedUsagePoints(page: PointsPage): Promise<readonly string[]>;
  /** How many meters have a revision of the period, damaged ones too. */
  issuedMeters(period: number): Promise<number>;
  /** The periods of which anything was issued, ascending. */
  periods(): Promise<readonly number[]>;
  /** Waits until the view has what the ledger held at the time of the call. */
  catchUp(): Promise<void>;
  /** The furthest place after which everything stands that was issued at `atMs` (milliseconds UTC) or later. */
  placeBefore(atMs: number): Promise<LedgerPlace>;
  /** After the newest entry of each shard. */
  lastPlace(): Promise<LedgerPlace>;
  seals(period: number): Promise<PeriodSeals>;
  /** Of each shard that has sealed the period more than once, the newest seal and the one before it; by shard. */
  sealGrowth(period: number): Promise<readonly SealGrowth[]>;
  /** The record of a revision and its way to the newest seal; `unsealed`: it was issued after that. */
  sealedRecord(key: RevisionKey): Promise<SealedRecord | "unsealed" | undefined>;
}
