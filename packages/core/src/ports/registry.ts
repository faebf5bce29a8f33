import type { ChangeOutcome, EntityKey, MasterDataChange } from "../domain/registry/master-data-change.ts";
import type { MeterRecord } from "../domain/registry/meter-record.ts";
import type { OutageRecord } from "../domain/registry/outage.ts";
import type { RegisteredMeter } from "../domain/registry/registered-meter.ts";
import type { UsagePointRecord } from "../domain/registry/usage-point.ts";
import type { Subscription } from "./readings-log.ts";

/**
 * Master data of meters, usage points and outages as a log of changes, of which all are kept. The order of the log
 * decides which of two changes holds that were made from the same version.
 *
 * Promises of every adapter (test/contracts/registry.contract.ts):
 * - `apply` and `put` resolve once the changes survive a crash; a later read of the same process sees them;
 * - a change holds as a whole or not at all, and not where an entity has another version than the change was made from,
 *   whoever changed it; one that says what is known already changes nothing;
 * - the version of a usage point grows with each change of its record and of the installations at it;
 * - `follow` calls `changed` with the record of every meter as of a position once, then with each change behind it, in
 *   order, batch after batch (never two calls at a time, and a change never in two), and resolves when the state at the
 *   time of the call has been delivered. A change of a usage point is one of each meter that is or was there, and a
 *   change of an outage one of each meter at a point that it names or named, or that its feeder ever supplied;
 * - a record that cannot be read is told to the damage log and set aside: until the next one its meter or usage point
 *   has none, reading it is an AdapterError `record_damaged`, lists leave it out, and followers are told that it is
 *   damaged; all others go on. An outage that cannot be read is none, and its meters go on;
 * - `caughtUp` of the answer of `follow` resolves when all that was put before the call, by whomever, has been
 *   delivered, and rejects when that cannot be.
 */
export interface Registry {
  /** An outcome for each change; they hold one by one, in their order. */
  apply(changes: readonly MasterDataChange[]): Promise<readonly ChangeOutcome[]>;
  /** Each record for itself, whatever was known of the meter before. */
  put(records: readonly MeterRecord[], by?: string): Promise<void>;
  /** The newest record, with those of the points where the meter is or was. */
  get(meterId: string): Promise<RegisteredMeter | undefined>;
  /** Ordered by meter id, without the records of their points. */
  list(options: { afterMeterId?: string; limit: number }): Promise<readonly MeterRecord[]>;
  /** The newest version where `version` is absent. */
  meterVersion(meterId: string, version?: number): Promise<Versioned<MeterRecord> | undefined>;
  /** The same of a usage point. Its record is null while only meters have named it. */
  usagePoint(usagePointId: string, version?: number): Promise<Versioned<UsagePointRecord> | undefined>;
  /** Ordered by id: those that have a record, or that meters of another id have named. */
  usagePoints(options: {
    afterUsagePointId?: string;
    limit: number;
  }): Promise<readonly (Versioned<UsagePointRecord> & { readonly usagePointId: string })[]>;
  /** The newest records of all meters that are or were at a point, ordered by meter id. */
  metersAt(usagePointId: string): Promise<readonly MeterRecord[]>;
  /** Meters whose serial number begins so, whatever the case of its letters; ordered by it, then by meter id. */
  metersBySerial(options: { prefix: string; limit: number }): Promise<readonly MeterRecord[]>;
  /** Meters whose id or serial number ends so, whatever the case of its letters; in the same order each time. */
  metersByEnding(options: { ending: string; limit: number }): Promise<readonly MeterRecord[]>;
  /** The newest version where `version` is absent. */
  outage(outageId: string, version?: number): Promise<Versioned<OutageRecord> | undefined>;
  /** Ordered by id: those that have time in common with `from` to `to`. */
  outages(options: {
    from?: number;
    to?: number;
    afterOutageId?: string;
    limit: number;
  }): Promise<readonly (Versioned<OutageRecord> & { readonly outageId: string })[]>;
  /** Of an entity, the newest first. */
  versions(entity: EntityKey, options: { before?: number; limit: number }): Promise<readonly VersionNote[]>;
  /** The position of the newest change, by whomever; 0 where there is none. */
  newest(): Promise<number>;
  follow(
    changed: (changes: readonly RegistryChange[]) => Promise<void>,
    options?: FollowOptions,
  ): Promise<RegistrySubscription>;
  close(): Promise<void>;
}

/** Who has made a version of a record, when and why. */
export interface VersionNote {
  /** From 1, without gaps. */
  readonly version: number;
  readonly recordedAtMs: number;
  readonly by: string;
  readonly reason: string;
}

export interface Versioned<Record> extends VersionNote {
  /** Null where there is none, or none any more. */
  readonly record: Record | null;
}

export interface FollowOptions {
  /** Only of meters that it wants; all where absent. */
  readonly wants?: (meterId: string) => boolean;
  /** The position as of which the follower begins; 0 where absent, and it is told of every change there ever was. */
  readonly asOf?: number;
}

export interface RegistrySubscription extends Subscription {
  caughtUp(): Promise<void>;
}

export interface RegistryChange {
  readonly meterId: string;
  /** Undefined where it cannot be read: what the meter's master data are is not known now. */
  readonly record: RegisteredMeter | undefined;
  /** Grows with every change; says what a follower has seen before. */
  readonly position: number;
}
