import type { BaseUnit } from "../domain/reading/reading.ts";

/** Local days by the midnights that begin them, seconds UTC; both among them. */
export interface DayRange {
  readonly from: number;
  readonly to: number;
}

/** What the members of a group in one partition counted together on a day (`encodeRegisterDay`). */
export interface GroupDay {
  readonly groupId: string;
  readonly register: string;
  readonly unit: BaseUnit;
  readonly sums: Uint8Array;
}

/** Who is in a group now, in one partition. Of many only some are named. */
export interface GroupMembers {
  readonly groupId: string;
  readonly meters: number;
  readonly meterIds: readonly string[];
}

/** So many members of a group are named by each partition. */
export const membersNamedMax = 5000;

/**
 * Sums over groups of meters, made before anybody asks: for each partition of the readings log, group, register and
 * local day. They follow from the series store and the registry: without them they are made again.
 *
 * Promises of every adapter (test/contracts/group-sums.contract.ts):
 * - `changed` resolves once it survives a crash: the days are `pending` until `summed` says otherwise;
 * - `put` replaces all that the partition has of the day; a reader sees it afterwards, perhaps part by part before;
 * - sums that cannot be read are left out, and their day is pending.
 */
export interface GroupSums {
  /**
   * Takes a partition over, which has one owner at a time. `ownerNo` is greater than that of every owner before: sums
   * that one of those still puts are refused, or are put no more.
   */
  open(partition: number, ownerNo: number): Promise<GroupSumsWriter>;
  close(): Promise<void>;
}

export interface GroupSumsWriter {
  /** Days whose sums may not be those of the store; undefined where nothing was ever summed. */
  pending(): Promise<readonly DayRange[] | undefined>;
  /** Said by whoever takes readings in, who is the owner by that: another that opened late has gone, or says so too. */
  changed(days: readonly DayRange[]): Promise<void>;
  put(day: number, sums: readonly GroupDay[]): Promise<void>;
  /** All that is pending now: takes the place of what was said before. */
  summed(pending: readonly DayRange[]): Promise<void>;
  /** Takes the place of all that was said of members. */
  members(groups: readonly GroupMembers[]): Promise<void>;
}

export interface ListedGroup {
  readonly groupId: string;
  readonly meters: number;
}

export interface SummedDay {
  readonly day: number;
  readonly unit: BaseUnit;
  readonly sums: Uint8Array;
}

/** Reads of the sums, from any process. */
export interface GroupSumsReader {
  /** Of all partitions together, ordered by id. `prefix`: the beginning of their ids. */
  groups(options: {
    readonly prefix: string;
    readonly afterGroupId?: string | undefined;
    readonly limit: number;
  }): Promise<readonly ListedGroup[]>;
  /** Undefined where nobody is or was a member. */
  group(groupId: string): Promise<(ListedGroup & { readonly registers: readonly string[] }) | undefined>;
  /** Those of its members that are named (`membersNamedMax`); none where nobody is. */
  memberIds(groupId: string): Promise<readonly string[]>;
  /** Ascending by day; each partition has its own. */
  days(groupId: string, register: string, range: DayRange): Promise<readonly SummedDay[]>;
  /** Days that any partition is still to sum, those of the range only. */
  pending(range: DayRange): Promise<readonly DayRange[]>;
  close(): Promise<void>;
}
