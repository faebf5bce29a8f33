import type { LocalCalendar } from "../time/local-calendar.ts";
import type { Lifecycle, Snapshot, SnapshotContent } from "./snapshot.ts";
import { unreadableHash } from "./snapshot.ts";

/** What is remembered of the revision that was issued last. */
export type Issued = Pick<Snapshot, "revision" | "lifecycle" | "hash">;

/**
 * The revision to issue now, or undefined where there is nothing to say: the period is not due, or a recomputation
 * came out the same. A final value is never edited: what changes it is a further revision, `revised`.
 *
 * @param cause in words, what changed, where somebody has decided it
 */
export function nextRevision(
  content: SnapshotContent,
  hash: string,
  issued: Issued | undefined,
  calendar: LocalCalendar,
  nowMs: number,
  cause?: string,
): Snapshot | undefined {
  const now = nowMs / 1000;
  if (now < calendar.provisionalFrom(content.period)) return undefined;
  const closed = now >= calendar.finalFrom(content.period);
  const step = unreadableStep(issued, closed) ?? nextStep(issued, issued?.hash !== hash, closed, cause);
  if (step === undefined) return undefined;
  return { ...content, hash, revision: (issued?.revision ?? 0) + 1, issuedAtMs: nowMs, ...step };
}

/**
 * The revision that takes an issued month back. A month that was final stays final for billing, which may have used it.
 * One that was not final begins anew if it comes again.
 */
export function voidRevision(
  content: SnapshotContent,
  { hash, reason }: { readonly hash: string; readonly reason: string },
  issued: Pick<Issued, "revision" | "lifecycle">,
  nowMs: number,
): Snapshot {
  const lifecycle = issued.lifecycle === "provisional" ? "provisional" : "revised";
  return { ...content, hash, revision: issued.revision + 1, issuedAtMs: nowMs, lifecycle, reason: `void: ${reason}` };
}

/** What cannot be read is followed by a revision that says so, whatever it was. */
function unreadableStep(
  issued: Issued | undefined,
  closed: boolean,
): { lifecycle: Lifecycle; reason: string } | undefined {
  if (issued?.hash !== unreadableHash) return undefined;
  return { lifecycle: closed ? "revised" : "provisional", reason: `revision ${issued.revision} cannot be read` };
}

function nextStep(
  issued: Issued | undefined,
  changed: boolean,
  closed: boolean,
  cause: string | undefined,
): { lifecycle: Lifecycle; reason: string } | undefined {
  const because = cause === undefined ? "" : `: ${cause}`;
  if (issued === undefined || issued.lifecycle === "provisional") {
    if (closed) return { lifecycle: "final", reason: `window closed${issued !== undefined && changed ? because : ""}` };
    if (issued === undefined) return { lifecycle: "provisional", reason: "boundary passed" };
    return changed ? { lifecycle: "provisional", reason: `inputs changed${because}` } : undefined;
  }
  return changed ? { lifecycle: "revised", reason: `inputs changed after final${because}` } : undefined;
}
