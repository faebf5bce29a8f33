import { setTimeout } from "node:timers/promises";
import type { ApiPorts } from "./api-ports.ts";

type ClosePorts = Pick<ApiPorts, "readingsLog" | "registry" | "series" | "clock" | "snapshots">;

const lookAgainMs = [20, 50, 100, 250];

/**
 * Puts a close into every partition of the readings log, and resolves when it was passed in all of them and this process sees what that
 * issued. Who asks twice does no harm.
 *
 * @throws Error that names the partitions in which it was not passed within `timeoutMs`; it is passed later then
 */
export async function closeWhatWaits(ports: ClosePorts, timeoutMs: number): Promise<void> {
  const { readingsLog, registry, clock, snapshots } = ports;
  const untilMs = performance.now() + timeoutMs;
  const barrier = {
    atMs: clock.nowMs(),
    registry: await registry.newest(),
    quietBefore: 0,
    closeId: crypto.randomUUID(),
  };
  const partitions = Array.from({ length: readingsLog.partitions }, (_, partition) => partition);
  let left = await within(timeoutMs, readingsLog.appendBarrier(partitions, barrier));
  for (let round = 0; left.size > 0; round += 1) {
    left = await notPassed(ports, left);
    if (left.size === 0) break;
    if (performance.now() > untilMs) throw new Error(`${namesOf([...left.keys()])} not passed within ${timeoutMs} ms`);
    await setTimeout(lookAgainMs[round] ?? lookAgainMs.at(-1));
  }
  await snapshots.catchUp();
}

async function notPassed({ series }: ClosePorts, offsets: ReadonlyMap<number, number>): Promise<Map<number, number>> {
  const { positions } = await series.totals();
  return new Map([...offsets].filter(([partition, offset]) => (positions.get(partition) ?? 0) <= offset));
}

async function within<Answer>(timeoutMs: number, work: Promise<Answer>): Promise<Answer> {
  const late = new AbortController();
  const timeout = setTimeout(timeoutMs, undefined, { signal: late.signal }).then(() => {
    throw new Error(`the readings log has not taken it within ${timeoutMs} ms`);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    late.abort();
    timeout.catch(() => undefined);
  }
}

function namesOf(partitions: readonly number[]): string {
  const some = partitions
    .toSorted((a, b) => a - b)
    .slice(0, 8)
    .join(", ");
  const more = partitions.length > 8 ? ` and ${partitions.length - 8} more` : "";
  return partitions.length === 1 ? `partition ${some} has` : `partitions ${some}${more} have`;
}
