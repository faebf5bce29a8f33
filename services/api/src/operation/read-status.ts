import type { ApiPorts } from "../api-ports.ts";

export interface Status {
  readonly received: number;
  readonly stored: number;
  readonly duplicates: number;
  readonly conflicts: number;
  readonly rejected: number;
  readonly inFlight: number;
  readonly lagSeconds: number;
  readonly lag: Lag;
  readonly lost: Lost;
  readonly snapshotsPending: number;
  readonly settled: boolean;
}

/**
 * Records of the readings log that the store has not taken in: the log's end minus the position, whoever owns the
 * partition.
 */
export interface Lag {
  readonly records: number;
  readonly partitions: readonly {
    readonly partition: number;
    readonly end: number;
    readonly position: number;
    readonly records: number;
  }[];
}

/** What is gone for good. */
export interface Lost {
  readonly count: number;
  readonly unknown: number;
  readonly places: Readonly<Record<string, number>>;
}

/**
 * Where every reading is. The order of the reads is upstream after downstream, because readings flow the other way:
 * - what the store has applied was in the log before, so `inFlight` and the lag are never negative;
 * - `settled` is about the moment when the store was read. A message that ingest held then is still held when ingest is
 *   asked, or it is in the log when the log is read: it cannot slip between two reads. Whoever reads snapshots after
 *   this answer sees what the store says is issued.
 *
 * `received` is what ingest has counted, not a sum of what was found: whatever is lost behind ingest is missing from
 * the other counts.
 */
export async function readStatus(ports: ApiPorts): Promise<Status> {
  const store = await ports.series.totals();
  await ports.snapshots.catchUp();
  const inHand = await ports.inFlight();
  const unread = await ports.readingsLog.unread(store.positions, store.tallies);
  const lag = lagBetween(await ports.readingsLog.ends(), store.positions);
  const rejected = (await ports.rejectedLog.totals()).open;
  const nowMs = ports.clock.nowMs();
  return {
    // A report that the aggregator refuses counts as one, as at the door.
    received: unread.accepted - store.refused + rejected + inHand,
    stored: store.stored,
    duplicates: store.duplicates,
    conflicts: store.conflicts,
    rejected,
    inFlight: unread.readings + inHand,
    lagSeconds: Math.max(0, nowMs - (unread.oldestAppendedAtMs ?? nowMs)) / 1000,
    lag,
    lost: await lostIn(ports),
    snapshotsPending: store.pending,
    settled: unread.readings + inHand + store.pending === 0,
  };
}

/** A partition that nobody has begun with stands at 0. */
export function lagBetween(ends: ReadonlyMap<number, number>, positions: ReadonlyMap<number, number>): Lag {
  const partitions = [...ends].map(([partition, end]) => {
    const position = positions.get(partition) ?? 0;
    return { partition, end, position, records: Math.max(0, end - position) };
  });
  return { records: partitions.reduce((sum, { records }) => sum + records, 0), partitions };
}

async function lostIn({ damage }: Pick<ApiPorts, "damage">): Promise<Lost> {
  const { byPlace, unknown } = await damage.losses();
  return { count: Object.values(byPlace).reduce((sum, lost) => sum + lost, 0), unknown, places: byPlace };
}
