import { totalmem } from "node:os";
import { expect, test } from "vitest";
import { machineBytes, metersThatFit, rememberingHeapBytes } from "./memory-share.ts";

const gib = 1024 ** 3;

test.for([
  { machine: gib / 2, meters: 104_857 },
  { machine: 2 * gib, meters: 419_430 },
  { machine: 8 * gib, meters: 1_677_721 },
  { machine: 64 * gib, meters: 4_194_303 },
])("on a machine of $machine bytes $meters meters fit", ({ machine, meters }) => {
  expect(metersThatFit(machine)).toBe(meters);
  expect(rememberingHeapBytes(machine)).toBe(machine / 2);
});

test("a machine has no more memory than there is", () => {
  expect(machineBytes()).toBeGreaterThan(0);
  expect(machineBytes()).toBeLessThanOrEqual(totalmem());
});
