import type { Snapshot } from "./snapshot.ts";
import { parsePeriod, periodName } from "./snapshot.ts";

/** Which revision of the ledger. */
export type RevisionKey = Pick<Snapshot, "meterId" | "period" | "revision">;

/** How the damage log calls the place of a revision, whoever finds it damaged. */
export function revisionPlace({ meterId, period, revision }: RevisionKey): string {
  return `${meterId} ${periodName(period)} revision ${revision}`;
}

/** The revision that is meant; undefined where it is the place of something else. */
export function revisionAt(where: string): RevisionKey | undefined {
  const [meterId, month, word, number, ...more] = where.split(" ");
  const [period, revision] = [parsePeriod(month ?? ""), Number(number)];
  const isRevision = word === "revision" && Number.isSafeInteger(revision) && revision > 0 && more.length === 0;
  return meterId === undefined || period === undefined || !isRevision ? undefined : { meterId, period, revision };
}
