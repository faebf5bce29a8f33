import { type Snapshot, snapshotId } from "@meterbook/core/domain/snapshot/snapshot";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { type LedgerPlace, ledgerStart, placeAfter } from "@meterbook/sharding/ledger-place";

/** Who pulls what is issued, page by page, and goes on from where it has come to, whichever API answers. */
export interface WalkedBilling {
  /** Asks for the next page. Where no answer comes, the same page is asked for again. */
  pull(view: Pick<SnapshotView, "changes">, limit: number): Promise<void>;
  /** @throws Error where something that is issued never came */
  check(issued: readonly Snapshot[]): void;
}

export function walkedBilling(): WalkedBilling {
  let place: LedgerPlace = ledgerStart;
  const seen = new Set<string>();
  const newest = new Map<string, number>();
  let wrong: string | undefined;

  function take(snapshot: Snapshot): void {
    const [id, month] = [snapshotId(snapshot), `${snapshot.meterId} ${snapshot.period}`];
    if (seen.has(id)) wrong ??= `${id} came twice`;
    if (snapshot.revision !== (newest.get(month) ?? 0) + 1) wrong ??= `${id} came after ${newest.get(month)}`;
    seen.add(id);
    newest.set(month, snapshot.revision);
  }

  return {
    async pull(view, limit) {
      const from = place;
      const page = await view.changes({ after: from, limit });
      // Somebody else answered meanwhile.
      if (place !== from) return;
      for (const entry of page) {
        take(entry.snapshot);
        place = placeAfter(place, entry);
      }
    },
    check(issued) {
      const missing = issued.map(snapshotId).find((id) => !seen.has(id));
      const said = wrong ?? (missing === undefined ? undefined : `${missing} never came`);
      if (said !== undefined) throw new Error(`billing: ${said}`);
    },
  };
}
