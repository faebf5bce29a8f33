import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openEmbeddedDamageLog } from "@meterbook/adapters/embedded/embedded-damage-log";
import { damagesOpenMax } from "@meterbook/core/ports/damage-log";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { aDamage, damageLogContract } from "./damage-log.contract.ts";

damageLogContract(async () => {
  const dataDir = await temporaryDirectory();
  return { open: async () => openEmbeddedDamageLog({ dataDir }) };
});

test("nobody edits the file: entries and words refuse UPDATE and DELETE", async () => {
  const dataDir = await temporaryDirectory();
  const log = openEmbeddedDamageLog({ dataDir });
  onTestFinished(() => log.close());
  await log.report([aDamage()]);
  await log.acknowledge(aDamage().id, { atMs: 1, by: "anna", reason: "seen" });
  await log.askRepair(aDamage().id, { atMs: 1, by: "anna", reason: "strike it" });
  await log.mend(aDamage().id, { atMs: 1, outcome: "struck", detail: "revision 2", lost: null });
  const file = new DatabaseSync(join(dataDir, "damage.db"));
  onTestFinished(() => file.close());
  for (const table of ["damage", "acknowledgement", "repair_order", "mending"]) {
    expect(() => file.exec(`DELETE FROM ${table}`)).toThrow(/never deleted/);
    expect(() => file.exec(`UPDATE ${table} SET id = 'x'`)).toThrow(/never changes/);
  }
});

test("beyond the most open entries, what is new is told by one entry", async () => {
  const dataDir = await temporaryDirectory();
  const log = openEmbeddedDamageLog({ dataDir });
  onTestFinished(() => log.close());
  await log.report(Array.from({ length: damagesOpenMax }, (_, index) => aDamage({ where: `row ${index}` })));
  await log.report([aDamage({ where: "row 0" })]);
  expect(await log.open()).toEqual({ total: damagesOpenMax, byPlace: { ledger: damagesOpenMax } });
  await log.report([aDamage({ where: "one more" }), aDamage({ where: "and one" })]);
  expect(await log.open()).toEqual({
    total: damagesOpenMax + 1,
    byPlace: { "damage-log": 1, ledger: damagesOpenMax },
  });
});
