import type { KnownDamage } from "@meterbook/core/domain/damage/damage";
import { type RevisionKey, revisionAt } from "@meterbook/core/domain/snapshot/revision-place";
import { unreadableHash } from "@meterbook/core/domain/snapshot/snapshot";
import type { Clock } from "@meterbook/core/ports/clock";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import type { PendingMeters } from "../issue/pending-meters.ts";
import type { KnownMeters } from "../remember/known-meters.ts";
import type { StruckRevisions } from "./struck-revisions.ts";

export interface StrikePorts {
  readonly damages: Pick<DamageLog, "unmended" | "mend">;
  readonly ledger: Pick<SnapshotView, "latestOfMeter">;
  readonly clock: Clock;
  readonly struck: StruckRevisions;
  /** Whether a damage is this partition's to mend. */
  readonly wants: (meterId: string | null) => boolean;
}

/** Looked at in one go; the others have their turn at the next. */
const strikesMax = 1000;

/**
 * Carries out what operators have asked for. A revision that is struck out keeps its number, and its meter's months
 * from it on are evaluated again. When the next revision stands in its place, that is told.
 */
export async function strikeRevisions(
  ports: StrikePorts,
  knownMeters: KnownMeters,
  pending: PendingMeters,
): Promise<void> {
  const { damages, wants, clock } = ports;
  for (const entry of await damages.unmended({ place: "ledger", asked: true, limit: strikesMax })) {
    if (!wants(entry.meterId)) continue;
    const detail = await strike(ports, entry, knownMeters, pending);
    if (detail === undefined) continue;
    await damages.mend(entry.id, { atMs: clock.nowMs(), outcome: "struck", detail, lost: null });
  }
}

/** What was done in the end; undefined where that is to come. */
async function strike(
  { ledger, struck }: StrikePorts,
  { where }: KnownDamage,
  knownMeters: KnownMeters,
  pending: PendingMeters,
): Promise<string | undefined> {
  const key = revisionAt(where);
  if (key === undefined) return "it is left out of everything; no revision is known that it would be";
  const instead = await standsInstead(ledger, key);
  if (instead !== undefined) {
    struck.delete(key);
    return `revision ${instead} stands in its place`;
  }
  const meter = knownMeters.find(key.meterId);
  if (meter === undefined) return "nothing can be issued in its place: the meter has no readings and no master data";
  if (struck.has(key)) {
    // What was marked waits, or was held back for another reason; else nothing is due there any more.
    return meter.pendingFrom === undefined && meter.heldBackFrom === undefined
      ? "nothing was issued in its place: by its master data the meter has no such month"
      : undefined;
  }
  struck.add(key);
  // What is remembered was issued before it was damaged.
  meter.issued = undefined;
  pending.mark(meter, key.period);
  return undefined;
}

async function standsInstead(ledger: StrikePorts["ledger"], key: RevisionKey): Promise<number | undefined> {
  const issued = await ledger.latestOfMeter(key.meterId, key.period);
  const newest = issued.find(({ period }) => period === key.period);
  const isLater = newest !== undefined && newest.hash !== unreadableHash && newest.revision > key.revision;
  return isLater ? newest.revision : undefined;
}
