import type { Rejection } from "@meterbook/core/ports/rejected-log";
import type { ApiPorts } from "../api-ports.ts";
import { ApiProblem } from "../http/problems/problem.ts";

export interface ReplayOutcome {
  /** Readings. */
  readonly accepted: number;
  readonly stillRejected: readonly Rejection[];
}

/**
 * Takes refused messages through intake again. Nothing vanishes on the way: what is accepted is in the readings log
 * and what is refused again is a new entry before the old one is marked; a process that dies in between leaves the old
 * entry open, and the store knows a second copy of a reading as a duplicate. Where nothing is accepted nothing changes.
 */
export function rejectionReplays(
  ports: Pick<ApiPorts, "rejectedLog" | "readingsLog" | "replay" | "clock">,
): (id: string) => Promise<ReplayOutcome> {
  const underWay = new Set<string>();

  async function replay(id: string): Promise<ReplayOutcome> {
    const entry = await ports.rejectedLog.get(id);
    if (entry === undefined) throw new ApiProblem("rejection_unknown", `there is no refused message ${id}`);
    if (entry.replayedAtMs !== null)
      throw new ApiProblem("already_replayed", `${id} was replayed before; its readings are in the log`);
    if (entry.truncatedFrom !== null) {
      throw new ApiProblem(
        "payload_truncated",
        `${id}: ${entry.payload.length} of ${entry.truncatedFrom} bytes were kept; the meter must send it anew`,
      );
    }
    const { accepted, rejections } = ports.replay(entry);
    if (accepted === null) return { accepted: 0, stillRejected: rejections };
    await ports.readingsLog.append(accepted);
    if (rejections.length > 0) await ports.rejectedLog.append(rejections);
    await ports.rejectedLog.markReplayed(id, ports.clock.nowMs());
    return { accepted: accepted.readings, stillRejected: rejections };
  }

  return async (id) => {
    if (underWay.has(id)) throw new ApiProblem("replay_in_progress", `${id} is being replayed by another request`);
    underWay.add(id);
    try {
      return await replay(id);
    } finally {
      underWay.delete(id);
    }
  };
}
