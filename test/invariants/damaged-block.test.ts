// Goal: H08. A damaged block holds back its own meter and nobody else, before and after a restart, and is named.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

test("H08: a bit in a block's count holds back that meter, names it, and all others get their month", async () => {
  const world = await openAggregatorWorld({ nowMs: Date.parse("2026-10-20T12:00:00Z"), withoutHistory: true });
  onTestFinished(world.dispose);
  const channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 } as const;
  const first = Date.parse("2026-10-20T00:00:00Z") / 1000;
  const boundary = Date.parse("2026-10-31T22:00:00Z") / 1000;
  const report = (meterId: string, at: number, value: number) => {
    return { meterId, series: [{ channel, at: [at], value: [value], code: [0] }] };
  };
  await world.deliver(report("m-1", first, 5), report("m-2", first, 5));
  world.nowMs = Date.parse("2026-11-01T03:00:00Z");
  await world.deliver(report("m-1", boundary, 9), report("m-2", boundary, 9));
  const database = new DatabaseSync(join(world.dataDir, "series.db"), { timeout: 10_000 });
  const rows = database.prepare("SELECT id, data FROM hot ORDER BY id").all();
  for (const row of rows.filter(({ id }) => Math.floor((Number(id) % 2 ** 32) / 1024) === 0)) {
    const data = Uint8Array.from(row["data"] as Uint8Array);
    data[1] = (data[1] as number) ^ 64;
    database.prepare("UPDATE hot SET data = ? WHERE id = ?").run(data, row["id"] as number);
  }
  database.close();
  await world.restart();
  await world.close();
  await world.close();
  expect((await world.issued("m-2")).map(({ registers }) => registers[0]?.value)).toContain(9);
  expect(await world.issued("m-1")).toEqual([]);
  expect([...world.damages.values()]).toMatchObject([{ place: "series", meterId: "m-1" }]);
}, 30_000);
