import { totalmem } from "node:os";
import { expect, test } from "vitest";
import {
  machineBytes,
  metersPerProcessMax,
  metersPerShardMax,
  metersThatFit,
  rememberingHeapBytes,
} from "./memory-share.ts";

const gib = 1024 ** 3;

test.for([
  { machine: gib / 2, meters: 104_857 },
  { machine: 2 * gib, meters: 419_430 },
  { machine: 8 * gib, meters: 1_677_721 },
  { machine: 64 * gib, meters: 13_421_772 },
  { machine: 4096 * gib, meters: metersPerProcessMax },
])("on a machine of $machine bytes $meters meters fit", ({ machine, meters }) => {
  expect(metersThatFit(machine)).toBe(meters);
  expect(rememberingHeapBytes(machine)).toBe(machine / 2);
});

test.for([
  { metersMax: 1, shards: 1, ofEach: 1 },
  { metersMax: 10, shards: 4, ofEach: 3 },
  { metersMax: 8_000_000, shards: 4, ofEach: 2_000_000 },
  { metersMax: 8_000_000, shards: 1, ofEach: 4_194_303 },
  { metersMax: metersPerProcessMax, shards: 64, ofEach: 4_194_303 },
])("of $metersMax meters each of $shards shards has $ofEach at most", ({ metersMax, shards, ofEach }) => {
  expect(metersPerShardMax(metersMax, shards)).toBe(ofEach);
});

test.for([
  { shards: 1, ofEach: 4_194_303 },
  { shards: 4, ofEach: 3_355_443 },
])("what fits into 64 GiB is for all of $shards shards: $ofEach of each", ({ shards, ofEach }) => {
  expect(metersPerShardMax(metersThatFit(64 * gib), shards)).toBe(ofEach);
});

test("a machine has no more memory than there is", () => {
  expect(machineBytes()).toBeGreaterThan(0);
  expect(machineBytes()).toBeLessThanOrEqual(totalmem());
});
