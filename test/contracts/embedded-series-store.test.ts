import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedSeriesReader } from "@meterbook/adapters/embedded/embedded-series-reader";
import { openEmbeddedSeriesStores } from "@meterbook/adapters/embedded/embedded-series-store";
import { expect, onTestFinished, test } from "vitest";
import type { SeriesStoreUnderTest } from "./series-store.contract.ts";
import { seriesStoreContract } from "./series-store.contract.ts";

async function embedded(): Promise<SeriesStoreUnderTest & { dataDir: string }> {
  const dataDir = await mkdtemp(join(tmpdir(), "meterbook-series-"));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  let nowMs = Date.parse("2026-11-20T12:00:00Z");
  return {
    dataDir,
    async open() {
      const store = await openEmbeddedSeriesStores({ dataDir, clock: { nowMs: () => nowMs } }).open(0, 1);
      const reader = openEmbeddedSeriesReader({ dataDir });
      return { store, reader };
    },
    async tidyLater(store, seconds) {
      nowMs += seconds * 1000;
      while (await store.tidy(1000));
    },
  };
}

seriesStoreContract(embedded);

test("a reader on a connection of its own sees whole batches, sealed or not", async () => {
  const under = await embedded();
  const { store, reader } = await under.open();
  onTestFinished(async () => {
    await reader.close();
    await store.close();
  });
  const at = Date.parse("2026-11-19T10:00:00Z") / 1000;
  const batch = await store.begin();
  const channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 } as const;
  await batch.meet([{ meterId: "m1", channels: [{ ...channel, first: { at, value: 5, code: 0 } }] }]);
  await batch.put([{ meterNo: 0, offset: 0, series: [{ channelIndex: 0, at: [at], value: [5], code: [0] }] }]);
  expect(await reader.meter("m1")).toBeUndefined();
  await batch.commit({ ...store.progress, position: 1, newestAt: at });
  const seen = () => reader.read("m1", { from: at, to: at });
  expect(await seen()).toEqual([{ channel, at: [at], value: [5], code: [0] }]);
  await under.tidyLater(store, 86_400);
  expect(await seen()).toEqual([{ channel, at: [at], value: [5], code: [0] }]);
});
