import type { RejectedLog, Rejection } from "@meterbook/core/ports/rejected-log";

/** Entries of one append; a flood of poison shares its fsyncs and still leaves the loop in time. */
const rejectionsPerAppendMax = 500;

interface Waiting {
  readonly rejections: readonly Rejection[];
  readonly kept: PromiseWithResolvers<void>;
}

/** Appends what came in while the append before was under way, together; resolves when the given ones are kept. */
export function gatherRejections(
  log: Pick<RejectedLog, "append">,
): (rejections: readonly Rejection[]) => Promise<void> {
  let waiting: Waiting[] = [];
  let running = false;

  async function run(): Promise<void> {
    running = true;
    while (waiting.length > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      const batch = takeBatch();
      try {
        await log.append(batch.flatMap(({ rejections }) => rejections));
        for (const { kept } of batch) kept.resolve();
      } catch (error) {
        for (const { kept } of batch) kept.reject(error);
      }
    }
    running = false;
  }

  function takeBatch(): Waiting[] {
    let count = 0;
    let size = 0;
    while (count < waiting.length && (count === 0 || size < rejectionsPerAppendMax)) {
      size += waiting[count]?.rejections.length ?? 0;
      count += 1;
    }
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return batch;
  }

  return (rejections) => {
    const kept = Promise.withResolvers<void>();
    waiting.push({ rejections, kept });
    if (!running) void run();
    return kept.promise;
  };
}
