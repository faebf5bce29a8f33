// Goal: whatever strikes, in any order, nothing acknowledged is lost, nothing is there twice, and no number changes in
// silence.
// Method: the storm of `npm run storm`, each form in turn. STORM_MINUTES makes it longer, SEED draws another one.
import { expect, test } from "vitest";
import { runStorm, stormForms } from "../storm/run-storm.ts";

const minutes = Number(process.env["STORM_MINUTES"] ?? 6);
const seed = Number(process.env["SEED"] ?? 20_261_129);

test("the storm finds nothing", { timeout: (minutes + 12) * 60_000 }, async () => {
  const { failed, line } = await runStorm({ minutes, seed, forms: stormForms, say: console.log });
  expect(failed, line).toBe(false);
  console.log(line);
});
