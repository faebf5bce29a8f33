import type { DatabaseSync } from "node:sqlite";
import type { Progress } from "@meterbook/core/ports/series-store";
import { noProgress } from "@meterbook/core/ports/series-store";

const partition = 0;

/** Progress of the one partition, beside the readings that it speaks of. */
export function progressWrites(database: DatabaseSync) {
  const set = database.prepare(
    "INSERT INTO progress (partition, body) VALUES (?, ?) ON CONFLICT (partition) DO UPDATE SET body = excluded.body",
  );
  let current = readProgress(database)();
  return {
    current: () => current,
    /** `commit` ends the transaction that this is part of. */
    record(next: Progress, commit: () => void = () => undefined): void {
      set.run(partition, JSON.stringify(next));
      commit();
      current = next;
    },
  };
}

/** What an earlier version did not record is as at the beginning. */
function progressIn(text: string): Progress {
  const recorded = JSON.parse(text) as Progress;
  return { ...noProgress, ...recorded, counts: { ...noProgress.counts, ...recorded.counts } };
}

export function readProgress(database: DatabaseSync): () => Progress {
  const get = database.prepare("SELECT body FROM progress WHERE partition = ?");
  return () => {
    const row = get.get(partition);
    return row === undefined ? noProgress : progressIn(String(row["body"]));
  };
}
