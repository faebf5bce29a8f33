import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openEmbeddedDamageLog } from "@meterbook/adapters/embedded/damage-log/embedded-damage-log";
import { damagesOpenMax } from "@meterbook/core/ports/damage-log";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { aDamage, damageLogContract } from "./damage-log.contract.ts";

damageLogContract(async () => {
  const dataDir = await temporaryDirectory();
  return {
    open: async () => openEmbeddedDamageLog({ dataDir }),
    async reportDamaged(damage) {
      const log = openEmbeddedDamageLog({ dataDir });
      await log.report([damage]);
      await log.close();
      changeBeside(dataDir, "DROP TRIGGER damage_is_final; UPDATE damage SET lost = 5 WHERE id = 'ledger:two'");
    },
  };
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

test("a word that was changed beside it still closes its entry, and says that it cannot be read; counts are mended", async () => {
  const dataDir = await temporaryDirectory();
  const log = openEmbeddedDamageLog({ dataDir });
  await log.report([aDamage(), aDamage({ where: "other" })]);
  await log.acknowledge(aDamage().id, { atMs: 1, by: "anna", reason: "seen" });
  await log.close();
  changeBeside(dataDir, "DROP TRIGGER word_is_final; UPDATE acknowledgement SET reason = 'gone'");
  changeBeside(dataDir, "UPDATE open_damage SET count = 1 << 62");
  const again = openEmbeddedDamageLog({ dataDir });
  onTestFinished(() => again.close());
  expect((await again.find(aDamage().id))?.acknowledged).toEqual({
    atMs: 0,
    by: "",
    reason: "(cannot be read any more)",
  });
  expect(await again.open()).toEqual({ total: 1, byPlace: { ledger: 1 } });
});

function changeBeside(dataDir: string, sql: string): void {
  const file = new DatabaseSync(join(dataDir, "damage.db"));
  file.exec(sql);
  file.close();
}
