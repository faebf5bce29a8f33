import { expect, test } from "vitest";
import { walk } from "./walk.ts";

const seed = Number(process.env["SEED"] ?? 20_261_129);
const walks = Number(process.env["WALKS"] ?? 150);

test("D03, D11: whatever happens to its owners, what is issued is what the log says", {
  timeout: 300_000,
}, async () => {
  console.log(`seed ${seed}`);
  let revisions = 0;
  for (let n = 0; n < walks; n += 1) {
    const report = await walk({ seed: seed + n, steps: 400 }).catch((error: unknown) => {
      throw new Error(`npm run walk -- --seed ${seed + n}`, { cause: error });
    });
    revisions += report.revisions;
  }
  // A walk that issues nothing shows nothing.
  expect(revisions).toBeGreaterThan(walks * 5);
});

test("a seed walks the same way each time", { timeout: 60_000 }, async () => {
  expect(await walk({ seed, steps: 400 })).toEqual(await walk({ seed, steps: 400 }));
});
