// Goal: whatever bytes come from outside or from a disk, a decoder answers, refuses, or throws what it says it throws,
// and comes to an end; what came out can be used.
// Method: sound bytes with changes in them, and bytes that are right by form only, from a seed.
// More: FUZZ_RUNS=20000 npx vitest run test/fuzz; the same again: FUZZ_SEED=<the seed that was told>.
import fc from "fast-check";
import { afterAll, describe, test } from "vitest";
import { allDecoders } from "./all-decoders.ts";
import { changedBytes } from "./changed-bytes.ts";
import type { Decoder } from "./decoder.ts";
import { watchdog } from "./watchdog.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? fc.readConfigureGlobal().seed ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 1000);
const timeout = 60_000 + numRuns * 20;
const watch = watchdog(20_000);
afterAll(() => watch.close());

/** Undefined where it threw what it says it throws. */
async function decodeOrRefuse(decode: Decoder["decode"], throws: Decoder["throws"], bytes: Buffer): Promise<unknown> {
  try {
    return await decode(bytes);
  } catch (error) {
    if (error instanceof Error && throws(error)) return undefined;
    throw error;
  }
}

async function tryOn({ name, decode, check, throws }: Decoder, bytes: Buffer): Promise<void> {
  watch.begin(name, bytes);
  try {
    const decoded = await decodeOrRefuse(decode, throws, bytes);
    if (decoded !== undefined) await check(decoded);
  } finally {
    watch.end();
  }
}

function holds(decoder: Decoder, given: fc.Arbitrary<Buffer>): Promise<void> {
  const { sealed } = decoder;
  const property = fc.asyncProperty(given, async (bytes) => {
    await tryOn(decoder, bytes);
    if (sealed !== undefined) await tryOn(decoder, sealed(bytes));
  });
  return fc.assert(property, { seed, numRuns });
}

describe.for(allDecoders)(`$name (seed ${seed})`, (decoder) => {
  test("changed", { timeout }, () => holds(decoder, changedBytes(decoder.samples)));
  const { generated } = decoder;
  if (generated !== undefined) test("made up", { timeout }, () => holds(decoder, generated));
  test("as it is", async () => {
    for (const bytes of decoder.samples) await tryOn(decoder, bytes);
  });
});
