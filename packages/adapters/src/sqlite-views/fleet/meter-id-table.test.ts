import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { meterIdTable } from "./meter-id-table.ts";

const idsOf = (count: number) => Array.from({ length: count }, (_, index) => `m-${String(index).padStart(6, "0")}`);

function opened() {
  const table = meterIdTable();
  onTestFinished(() => table.close());
  return table;
}

test("others get their turn while many ids are put", async () => {
  const table = opened();
  let isPut = false;
  const putting = Promise.resolve(table.put(idsOf(20_000))).then(() => {
    isPut = true;
  });
  let turns = 0;
  while (!isPut) {
    await nextTurn();
    turns += 1;
  }
  await putting;
  expect(turns).toBeGreaterThanOrEqual(9);
  expect(table.page({ limit: 30_000 })).toEqual(idsOf(20_000));
});

test("pages follow each other, of all and of those that begin so", async () => {
  const table = opened();
  await table.put(["m-2", "m-10", "x-1"]);
  await table.put(["m-1", "m-2"]);
  expect(table.page({ limit: 2 })).toEqual(["m-1", "m-10"]);
  expect(table.page({ limit: 9, afterMeterId: "m-10" })).toEqual(["m-2", "x-1"]);
  expect(table.page({ limit: 9, prefix: "m-1" })).toEqual(["m-1", "m-10"]);
  expect(table.page({ limit: 9, prefix: "m-", afterMeterId: "m-10" })).toEqual(["m-2"]);
  expect(table.page({ limit: 9, prefix: "x", afterMeterId: "m-10" })).toEqual(["x-1"]);
});
