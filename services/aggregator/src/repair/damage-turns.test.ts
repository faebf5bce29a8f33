import { expect, test } from "vitest";
import { aDamage } from "../../../../test/contracts/damage-log.contract.ts";
import { memoryDamageLog } from "../../../../test/support/worlds/memory-ports.ts";
import { damageTurns } from "./damage-turns.ts";

test("all entries come in turn, however many cannot be mended", async () => {
  const log = memoryDamageLog(...["a", "b", "c", "d", "e"].map((where) => aDamage({ place: "registry", where })));
  const next = damageTurns(log, "registry", 2);
  const seen: string[][] = [];
  for (let look = 0; look < 4; look += 1) seen.push((await next()).map(({ where }) => where));
  expect(seen).toEqual([
    ["a", "b"],
    ["c", "d"],
    ["e", "a"],
    ["a", "b"],
  ]);
});

test("few entries come whole at every look", async () => {
  const log = memoryDamageLog(aDamage({ place: "series", where: "a" }));
  const next = damageTurns(log, "series", 2);
  expect(await next()).toHaveLength(1);
  await log.report([aDamage({ place: "series", where: "0" })]);
  expect((await next()).map(({ where }) => where)).toEqual(["0", "a"]);
});
