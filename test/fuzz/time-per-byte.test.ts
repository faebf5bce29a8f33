// Goal: no decoder of what comes from outside or from a disk takes more than 1 ms a kilobyte, whatever it is (H03,
// H09).
// Method: shapes that were slow somewhere, from a kilobyte to the largest input. After some runs that are not timed,
// the best of several counts, because the machine has other work. FUZZ_TIMES=1 prints what was measured.
import { afterAll, describe, expect, test } from "vitest";
import { allDecoders } from "./all-decoders.ts";
import type { Decoder } from "./decoder.ts";
import { watchdog } from "./watchdog.ts";

const millisecondsPerKilobyteMax = 1;
/** Below a millisecond the clock and the compiler say more than the decoder. */
const millisecondsMin = 1;
const [untimed, timed, triedMs] = [10, 6, 400];

const watch = watchdog(20_000);
const measured: {
  readonly decoder: string;
  readonly shape: string;
  readonly kilobytes: number;
  readonly ms: number;
}[] = [];
afterAll(async () => {
  await watch.close();
  if (process.env["FUZZ_TIMES"] === undefined) return;
  console.table(measured.sort((a, b) => b.ms / b.kilobytes - a.ms / a.kilobytes));
});

async function millisecondsOf({ name, decode }: Decoder, bytes: Buffer): Promise<number> {
  watch.begin(name, bytes);
  const before = process.cpuUsage();
  try {
    await decode(bytes);
  } catch {
    // What it may throw is for decoders.test.ts to say.
  }
  const { user, system } = process.cpuUsage(before);
  watch.end();
  return (user + system) / 1000;
}

/** The best of several, or the first that is good enough. Small inputs are tried for as long as large ones. */
async function bestOf(decoder: Decoder, bytes: Buffer, enoughMs: number): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let spentMs = 0, round = 0; best > enoughMs && (round < timed || spentMs < triedMs); round += 1) {
    const ms = await millisecondsOf(decoder, bytes);
    spentMs += ms;
    best = Math.min(best, ms);
  }
  return best;
}

describe.for(allDecoders)("$name", (decoder) => {
  const { name, heavy, bytesMax = 256 * 1024 } = decoder;
  const sizes = [1024, 16 * 1024, 256 * 1024, bytesMax].filter((size) => size <= bytesMax);

  test.for(Object.keys(heavy))("H03: %s", { timeout: 120_000 }, async (shape) => {
    const small = heavy[shape]?.(1024) ?? Buffer.alloc(0);
    for (let round = 0; round < untimed; round += 1) await millisecondsOf(decoder, small);
    for (const size of new Set(sizes)) {
      const bytes = heavy[shape]?.(size) ?? Buffer.alloc(0);
      const kilobytes = bytes.length / 1024;
      const allowedMs = Math.max(millisecondsMin, kilobytes * millisecondsPerKilobyteMax);
      const ms = await bestOf(decoder, bytes, allowedMs);
      measured.push({ decoder: name, shape, kilobytes: Math.round(kilobytes), ms });
      expect(ms, `${kilobytes.toFixed(1)} kB`).toBeLessThanOrEqual(allowedMs);
    }
  });
});
