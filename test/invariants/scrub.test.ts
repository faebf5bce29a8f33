// Goal: what nobody reads is found all the same. Method: a record is written whose content does not give its hash; the
// scrub goes over it.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openEmbeddedAuditLog } from "@meterbook/adapters/embedded/audit-log/embedded-audit-log";
import { openEmbeddedDamageLog } from "@meterbook/adapters/embedded/damage-log/embedded-damage-log";
import { prepareDataDirectory } from "@meterbook/adapters/embedded/directory/data-directory";
import { openEmbeddedSnapshotLedgers } from "@meterbook/adapters/embedded/ledger/embedded-snapshot-ledger";
import { openEmbeddedRejectedLog } from "@meterbook/adapters/embedded/rejected-log/embedded-rejected-log";
import { scrubDirectory } from "@meterbook/adapters/embedded/verify/scrub-directory";
import { verifyDirectory } from "@meterbook/adapters/embedded/verify/verify-directory";
import type { Damage } from "@meterbook/core/domain/damage/damage";
import { systemClock as clock } from "@meterbook/core/ports/clock";
import { expect, test } from "vitest";
import { aPersonalRead } from "../contracts/audit-log.contract.ts";
import { aDamage } from "../contracts/damage-log.contract.ts";
import { aRejection } from "../contracts/rejected-log.contract.ts";
import { aSnapshot } from "../contracts/snapshot-ledger.contract.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

test("H06: the scrub reads every record, tells of the wrong one and says when it is done", async () => {
  const dataDir = await temporaryDirectory();
  prepareDataDirectory(dataDir);
  const ledger = await openEmbeddedSnapshotLedgers({ dataDir }).open(0);
  const period = 24_321;
  const wrong = `sha256:${"0".repeat(64)}`;
  await ledger.append(Array.from({ length: 450 }, (_, i) => ({ ...aSnapshot(`m-${i}`, period, 1), hash: wrong })));
  await ledger.close();
  const told: Damage[] = [];
  const ratios: number[] = [];
  let rowsRead = 0;
  const done = Promise.withResolvers<void>();
  const scrub = scrubDirectory({
    dataDir,
    clock,
    tell: (damage) => void told.push(damage),
    events: {
      checked({ rows, ratio }) {
        rowsRead += rows;
        ratios.push(ratio);
      },
      completed: () => done.resolve(),
    },
    shareMax: 0.5,
    restMs: 1e6,
  });
  await done.promise;
  await scrub.close();
  expect(rowsRead).toBe(450);
  expect(ratios).toEqual([200 / 450, 400 / 450, 1]);
  // Not one of these has the hash of its content.
  expect(told).toHaveLength(450);
  expect(told[0]).toMatchObject({ place: "ledger", code: "hash_mismatch", meterId: "m-0", lost: null });
  expect(told[0]?.where).toBe("m-0 2026-10 revision 1");
});

test("H07: the scrub and verify name a refused message, a refusal, a personal read and an entry about damage that were changed beside them", async () => {
  const dataDir = await temporaryDirectory();
  prepareDataDirectory(dataDir);
  const rejected = openEmbeddedRejectedLog({ dataDir });
  for (const detail of ["one", "two", "three"]) await rejected.append([aRejection({ detail })]);
  await rejected.close();
  const damage = openEmbeddedDamageLog({ dataDir });
  await damage.report([aDamage()]);
  await damage.close();
  changeBeside(dataDir, "rejected", "UPDATE refused_message SET topic = 'other' WHERE place = 1");
  changeBeside(dataDir, "rejected", "UPDATE refusal SET replayed_at_ms = 5 WHERE detail = 'three'");
  const audit = openEmbeddedAuditLog({ dataDir, retentionDays: 30, nowMs: () => 7 });
  await audit.put(["1", "2", "3"].map((query) => aPersonalRead(7, { query })));
  await audit.close();
  changeBeside(dataDir, "audit", "UPDATE personal_read SET caller = 'nobody' WHERE id = 1");
  changeBeside(dataDir, "audit", "UPDATE personal_read SET body = x'00' WHERE id = 3");
  changeBeside(dataDir, "damage", "DROP TRIGGER damage_is_final; UPDATE damage SET lost = 5");
  const told: Damage[] = [];
  const done = Promise.withResolvers<void>();
  const events = { checked: () => undefined, completed: () => done.resolve() };
  const tell = (damage: Damage) => void told.push(damage);
  const scrub = scrubDirectory({ dataDir, clock, tell, events, shareMax: 1, restMs: 1e6 });
  await done.promise;
  await scrub.close();
  const names = ["message 1", "message 3 refusal 0"];
  const reads = ["read 1", "read 3"];
  expect(told.map(({ place, where }) => [place, where])).toEqual([
    ...names.map((where) => ["rejected-log", where]),
    ...reads.map((where) => ["audit-log", where]),
  ]);
  expect(told.slice(-2).map(({ code }) => code)).toEqual(["key_mismatch", "record_unreadable"]);
  const { wrong } = await verifyDirectory(dataDir);
  expect(wrong.map(({ where }) => where).sort()).toEqual(["entry ledger:m-1-2026-10-revision-1", ...names, ...reads]);
});

function changeBeside(dataDir: string, file: string, sql: string): void {
  const database = new DatabaseSync(join(dataDir, `${file}.db`));
  database.exec(sql);
  database.close();
}
