import type { Damage } from "@meterbook/core/domain/damage/damage";
import { expect, test } from "vitest";
import { openLogger } from "../telemetry/telemetry.ts";
import { damageTeller } from "./tell-damage.ts";

const damage: Damage = {
  id: "ledger:a",
  place: "ledger",
  code: "checksum_mismatch",
  where: "a",
  detail: "d",
  help: "h",
  meterId: null,
  period: null,
  lost: 0,
  foundAtMs: 1,
};

test("what is told is reported and said once, and what failed is reported again at the end", async () => {
  const lines: string[] = [];
  const log = openLogger({ name: "test", level: "info", format: "json", write: (line) => void lines.push(line) });
  const reported: string[] = [];
  let away = true;
  const teller = damageTeller(
    {
      async report(damages) {
        if (away) throw new Error("no room");
        reported.push(...damages.map(({ id }) => id));
      },
    },
    log,
  );
  teller.tell(damage);
  teller.tell(damage);
  expect(lines).toHaveLength(1);
  away = false;
  await teller.close();
  expect(reported).toEqual(["ledger:a"]);
  teller.tell({ ...damage, id: "ledger:b" });
  expect(reported).toHaveLength(1);
});
