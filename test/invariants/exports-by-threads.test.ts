// Goal: a long export that threads write has the very bytes that one thread writes, and leaves no thread behind.
// Method: ledgers of several shards in files, the API with and without threads, which begin after a few meters.
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Worker } from "node:worker_threads";
import { prepareDataDirectory } from "@meterbook/adapters/embedded/directory/data-directory";
import {
  openEmbeddedSnapshotLedgers,
  openEmbeddedSnapshotView,
} from "@meterbook/adapters/embedded/ledger/embedded-snapshot-ledger";
import { recordChunks, rowHelpers } from "@meterbook/api/billing/csv/record-chunks";
import type { RowThreads } from "@meterbook/api/billing/csv/shard-rows";
import type { Damage } from "@meterbook/core/domain/damage/damage";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { partitionOf } from "@meterbook/sharding/slot";
import { expect, onTestFinished, test } from "vitest";
import { exportThreads } from "../../services/standalone/src/export-threads.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { apiWorld, aRegisterSnapshot, aSnapshot, servedApi } from "../support/worlds/api-world.ts";

const url = "/v1/snapshots?period=2026-10";
const meterIds = (count: number) => Array.from({ length: count }, (_, i) => `m-${i * 7}`);

/** More than the sockets of both sides hold: an export of it waits for its client. */
const longReason = "x".repeat(2000);
const manyMeters = meterIds(10_000);

/** A directory with a snapshot of each meter, and a second revision of every fifth. */
async function ledgerOf(meters: readonly string[], shards: number, reason = "window closed"): Promise<string> {
  const dataDir = await temporaryDirectory();
  prepareDataDirectory(dataDir, shards);
  for (let shard = 0; shard < shards; shard += 1) {
    const own = meters.filter((meterId) => partitionOf(meterId, shards) === shard);
    const ledger = await openEmbeddedSnapshotLedgers({ dataDir }).open(shard);
    const registers = (count: number) =>
      Array.from({ length: count }, (_, n) => aRegisterSnapshot({ register: `${n + 1}.8.0` }));
    await ledger.append(own.map((meterId, i) => aSnapshot({ meterId, reason, registers: registers(i % 4) })));
    const again = own.filter((_, i) => i % 5 === 0);
    await ledger.append(again.map((meterId) => aSnapshot({ meterId, revision: 2, reason: 'said "so"' })));
    await ledger.close();
  }
  return dataDir;
}

/** Threads of which it is known how many run. */
function counted(threads: RowThreads): RowThreads & { readonly started: Worker[]; running: number; ready: number } {
  const all = {
    ...threads,
    started: [] as Worker[],
    running: 0,
    /** They have said that they are there. */
    ready: 0,
    start() {
      const worker = threads.start();
      all.started.push(worker);
      all.running += 1;
      worker.once("message", () => {
        all.ready += 1;
      });
      worker.once("exit", () => {
        all.running -= 1;
      });
      return worker;
    },
  };
  return all;
}

interface Opened {
  readonly snapshots: SnapshotView;
  readonly threads: ReturnType<typeof counted>;
  /** Who is told of damage. */
  readonly told: Damage[];
}

function openedIn(dataDir: string, shards: number, threadsMax: number): Opened {
  const told: Damage[] = [];
  const ears = { tell: (damage: Damage) => void told.push(damage), nowMs: () => 5 };
  const snapshots = openEmbeddedSnapshotView({ dataDir, shards, ears });
  onTestFinished(() => snapshots.close());
  return { snapshots, threads: counted({ ...exportThreads(dataDir, shards), threadsMax }), told };
}

/** The rows as the API sends them. Threads take over after so many meters, however long they take to start. */
async function exported({ snapshots, threads }: Opened, aloneMax: number, limit?: number): Promise<string> {
  const take = rowHelpers(threads);
  function takeHelpers() {
    const helpers = take();
    return helpers && { ...helpers, isReady: () => true };
  }
  let text = "";
  const order = { snapshots, period: aSnapshot().period, aloneMax, takeHelpers };
  for await (const { bytes } of recordChunks(order, undefined, { size: 20, limit })) text += bytes.toString();
  return text;
}

test.for([
  { shards: 1, wanted: 1 },
  { shards: 4, wanted: 2 },
  { shards: 8, wanted: 3 },
])("of $shards shards $wanted threads write the very bytes that one writes", async ({ shards, wanted }) => {
  const opened = openedIn(await ledgerOf(meterIds(1500), shards), shards, wanted);
  for (const limit of [undefined, 700, 41]) {
    const expected = await exported(opened, Number.POSITIVE_INFINITY, limit);
    expect(opened.threads.started.length).toBe(0);
    expect(await exported(opened, 40, limit)).toBe(expected);
    expect(opened.threads.started.splice(0).length).toBe(wanted);
    expect(opened.threads.running).toBe(0);
  }
});

test("a short export starts no thread", async () => {
  const opened = openedIn(await ledgerOf(meterIds(100), 2), 2, 2);
  const whole = await exported(opened, 200);
  expect([whole.split("\n").length > 100, opened.threads.started.length]).toEqual([true, 0]);
  await exported(opened, 20, 20);
  expect(opened.threads.started.length).toBe(0);
});

test("a record that cannot be read is left out by threads too, and told", async () => {
  const meters = meterIds(600);
  const dataDir = await ledgerOf(meters, 2);
  const [early, late] = [...meters].sort().filter((_, i) => i === 5 || i === 400);
  for (const meterId of [early, late]) {
    const shard = partitionOf(meterId as string, 2);
    const database = new DatabaseSync(join(dataDir, shard === 0 ? "ledger.db" : "shard-1/ledger.db"));
    database.exec("DROP TRIGGER IF EXISTS ledger_is_final");
    database
      .prepare(
        "UPDATE ledger SET body = CAST(body || x'00' AS BLOB) WHERE sequence IN (SELECT sequence FROM revision WHERE meter_id = ?)",
      )
      .run(meterId as string);
    database.close();
  }
  const opened = openedIn(dataDir, 2, 2);
  const written = new Set((await exported(opened, 40)).split("\n").map((line) => line.split(",")[0]));
  expect([written.has(early), written.has(late)]).toEqual([false, false]);
  expect(opened.threads.started.length).toBe(2);
  await expect.poll(() => new Set(opened.told.map(({ meterId }) => meterId))).toEqual(new Set([early, late]));
});

/** An API whose exports are longer than what the sockets of both sides hold. */
async function longExports() {
  const { snapshots, threads } = openedIn(await ledgerOf(manyMeters, 2, longReason), 2, 2);
  const limits = { exportAloneMax: 1, exportPage: 500 };
  const { address } = await servedApi(apiWorld({ snapshots, rowThreads: threads }, { limits }));
  return { address, threads };
}

async function opened(address: string): Promise<IncomingMessage> {
  const request = get(`http://${address}${url}`, { headers: { accept: "text/csv" } });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.on("error", () => undefined);
  return response;
}

async function read(address: string): Promise<string> {
  return (await fetch(`http://${address}${url}`, { headers: { accept: "text/csv" } })).text();
}

test("an export whose client goes ends its threads, and one that finds none free goes on without", async () => {
  const { address, threads } = await longExports();
  const first = await opened(address);
  await expect.poll(() => threads.running).toBe(2);
  const second = await read(address);
  expect([second.startsWith("meter_id,"), threads.started.length]).toEqual([true, 2]);
  first.destroy();
  await expect.poll(() => threads.running).toBe(0);
  const third = await read(address);
  expect([third === second, threads.started.length]).toEqual([true, 4]);
  await expect.poll(() => threads.running).toBe(0);
});

test("a thread that fails breaks the stream, and the others end", async () => {
  const { address, threads } = await longExports();
  const response = await opened(address);
  // One that fails before it is there breaks nothing (record-chunks.test.ts): these have taken over.
  await expect.poll(() => threads.ready).toBe(2);
  const [failing] = threads.started;
  // There is no such shard to be read.
  failing?.once("message", () => failing.postMessage({ shard: 5, period: 0, afterMeterId: "", metersMax: 1 }));
  const closed = new Promise((resolve) => response.once("close", resolve));
  response.resume();
  await closed;
  expect(response.complete).toBe(false);
  await expect.poll(() => threads.running).toBe(0);
});
