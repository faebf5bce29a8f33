// Goal: what nobody reads is found all the same. Method: a record is written whose content does not give its hash; the scrub goes over it.
import { prepareDataDirectory } from "@meterbook/adapters/embedded/data-directory";
import { openEmbeddedSnapshotLedgers } from "@meterbook/adapters/embedded/embedded-snapshot-ledger";
import { scrubDirectory } from "@meterbook/adapters/embedded/scrub-directory";
import type { Damage } from "@meterbook/core/domain/damage";
import { systemClock as clock } from "@meterbook/core/ports/clock";
import { expect, test } from "vitest";
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
