import { spawn } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { openEmbeddedReadingsLog } from "@meterbook/adapters/embedded/readings-log/embedded-readings-log";
import { frameKeys } from "@meterbook/adapters/embedded/readings-log/frame-key";
import type { Damage } from "@meterbook/core/domain/damage/damage";
import { systemClock as clock } from "@meterbook/core/ports/clock";
import { partitionOf } from "@meterbook/sharding/slot";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { aReport, collector, readingsLogContract, reports, textsOf } from "./readings-log.contract.ts";

describe.each([1, 4])("with %d shards", (partitions) => {
  readingsLogContract(async () => {
    const dataDir = await temporaryDirectory();
    return {
      open: (damaged = () => undefined) => openEmbeddedReadingsLog({ dataDir, clock, damaged, partitions }),
      async appendDamaged(log, report, change) {
        await log.append(report);
        const partition = partitionOf(report.meterId, partitions);
        const offset = ((await log.ends()).get(partition) ?? 0) - 1;
        const { first } = frameKeys(partition);
        rewriteRow(dataDir, first + offset, "body", (body) => change(Buffer.from(body as Uint8Array)));
      },
    };
  });
});

test("a follower of some shards is handed those, and what is forgotten of one is kept of the others", async () => {
  const dataDir = await temporaryDirectory();
  let nowMs = clock.nowMs();
  const shards = { dataDir, clock: { nowMs: () => nowMs }, partitions: 4 };
  const log = await openEmbeddedReadingsLog({ ...shards, followed: [1, 3], retentionDays: 1 });
  onTestFinished(() => log.close());
  const ids = Array.from({ length: 40 }, (_, n) => `m-${n}`);
  for (const id of ids) await log.append(aReport(id, "x"));
  const own = ids.filter((id) => [1, 3].includes(partitionOf(id, 4)));
  const collected = collector();
  const subscription = await log.consume(collected.consumer);
  onTestFinished(() => subscription.close());
  expect((await reports(collected, own.length)).sort()).toEqual(own.map((id) => `${id}:x`).sort());
  const barrier = { atMs: 1, registry: 0, quietBefore: 0, readyThrough: null, closeId: null };
  const ends = await log.ends();
  expect([...(await log.appendBarrier([0, 1, 2, 3], barrier))]).toEqual([...ends]);
  await vi.waitFor(() => expect(collected.frames.filter((frame) => frame.barrier !== undefined)).toHaveLength(2));
  nowMs += 2 * 86_400_000;
  const end = ends.get(1) ?? 0;
  expect(await log.trim(end, 1)).toBe(end - 1);
  expect([...(await log.starts()).values()]).toEqual([0, end - 1, 0, 0]);
  expect(await log.unread(ends)).toMatchObject({ readings: 0, accepted: 40 });
});

/** Writes a column of a frame's row anew, with whatever checksum was there. */
function rewriteRow(dataDir: string, position: number, column: string, change: (value: unknown) => unknown): void {
  const database = new DatabaseSync(join(dataDir, "log.db"));
  const value = database.prepare(`SELECT ${column} AS value FROM frame WHERE position = ?`).get(position)?.["value"];
  database.prepare(`UPDATE frame SET ${column} = ? WHERE position = ?`).run(change(value) as SQLInputValue, position);
  database.close();
}

async function followDamaged(dataDir: string, count: number) {
  const damages: Damage[] = [];
  const log = await open({ dataDir, damaged: (damage) => damages.push(damage) });
  const collected = collector();
  const subscription = await log.consume(collected.consumer);
  onTestFinished(() => subscription.close());
  return { log, damages, texts: await reports(collected, count), frames: collected.frames };
}

async function threeFrames() {
  const dataDir = await temporaryDirectory();
  const log = await openEmbeddedReadingsLog({ dataDir, clock });
  for (const text of ["one", "two", "three"]) await log.append(aReport("m", text, { readings: 3 }));
  await log.close();
  return dataDir;
}

test.for([
  { column: "position", change: () => 1041 },
  { column: "appended_at_ms", change: () => 7 },
  { column: "readings_total", change: () => 2 ** 40 },
  { column: "reports_total", change: () => "many" },
  { column: "checksum", change: () => 0 },
])(
  "H07: where $column of the newest row is damaged, its frame is delivered and the numbers stay right",
  async (row) => {
    const dataDir = await threeFrames();
    rewriteRow(dataDir, 2, row.column, row.change);
    const { log, damages, texts, frames } = await followDamaged(dataDir, 3);
    expect(texts).toEqual(["m:one", "m:two", "m:three"]);
    expect(frames.map(({ offset }) => offset)).toEqual([0, 1, 2]);
    expect(damages[0]).toMatchObject({ place: "readings-log", code: "checksum_mismatch", lost: 0 });
    expect((await log.unread(new Map())).readings).toBe(9);
    await log.append(aReport("m", "four", { readings: 1 }));
    expect((await log.unread(new Map())).readings).toBe(10);
  },
);

test("H07: a log with a damaged page delivers what stands on the others, and its follower lives", async () => {
  const dataDir = await temporaryDirectory();
  const log = await openEmbeddedReadingsLog({ dataDir, clock });
  for (let n = 0; n < 30; n += 1) await log.append(aReport("m", `${n}`.padEnd(3000, ".")));
  await log.close();
  const path = join(dataDir, "log.db");
  const bytes = readFileSync(path);
  const inPage = bytes.indexOf("m", bytes.indexOf("15....")) & ~8191;
  bytes.fill(0xa5, inPage, inPage + 16);
  writeFileSync(path, bytes);
  const { damages, texts } = await followDamaged(dataDir, 20);
  expect(texts.some((text) => text.startsWith("m:0."))).toBe(true);
  expect(texts.some((text) => text.startsWith("m:29."))).toBe(true);
  expect(damages[0]).toMatchObject({ place: "readings-log", code: "record_unreadable" });
});

async function open(options: Partial<Parameters<typeof openEmbeddedReadingsLog>[0]> = {}) {
  const dataDir = options.dataDir ?? (await temporaryDirectory());
  const log = await openEmbeddedReadingsLog({ dataDir, clock, ...options });
  onTestFinished(() => log.close());
  return log;
}

test("reports that come together share a frame, up to its size", async () => {
  const log = await open({ frameBytesMax: 10_000 });
  await Promise.all(Array.from({ length: 500 }, (_, i) => log.append(aReport(`m-${i}`, "x".repeat(80)))));
  const frames = (await log.ends()).get(0) ?? 0;
  expect(frames).toBeGreaterThanOrEqual(5);
  expect(frames).toBeLessThan(20);
});

test("a report that is larger than a frame is a frame of its own", async () => {
  const log = await open({ frameBytesMax: 1000 });
  await Promise.all([
    log.append(aReport("a", "1")),
    log.append(aReport("b", "y".repeat(5000))),
    log.append(aReport("c", "3")),
  ]);
  const collected = collector();
  const subscription = await log.consume(collected.consumer);
  onTestFinished(() => subscription.close());
  await reports(collected, 3);
  expect(collected.frames.map((frame) => frame.reports.length)).toEqual([1, 1, 1]);
});

test("append waits while too much is under way, and keeps the order", async () => {
  const log = await open({ waitingBytesMax: 500, frameBytesMax: 300 });
  const appends = Array.from({ length: 200 }, (_, i) => log.append(aReport("m", `${i}`)));
  const collected = collector();
  const subscription = await log.consume(collected.consumer);
  onTestFinished(() => subscription.close());
  await Promise.all(appends);
  expect(await reports(collected, 200)).toEqual(Array.from({ length: 200 }, (_, i) => `m:${i}`));
});

test("trims what is past its retention and read, never the totals", async () => {
  let nowMs = Date.UTC(2026, 0, 1);
  const log = await open({ clock: { nowMs: () => nowMs }, retentionDays: 10 });
  for (let day = 0; day < 40; day += 1) {
    await log.append(aReport("m", `${day}`));
    nowMs += 86_400_000;
  }
  // The frame before the position stays, because it holds the totals.
  expect(await log.trim(20)).toBe(19);
  expect(await log.trim(40)).toBe(11);
  expect(await log.trim(40)).toBe(0);
  nowMs += 1000 * 86_400_000;
  expect(await log.trim(40)).toBe(9);
  expect(await log.ends()).toEqual(new Map([[0, 40]]));
  expect(await log.unread(new Map([[0, 40]]))).toMatchObject({ readings: 0 });
  await log.append(aReport("m", "next"));
  expect(await log.unread(new Map([[0, 40]]))).toEqual({
    ...{ readings: 1, oldestAppendedAtMs: nowMs, accepted: 41 },
  });
  expect(await log.unread(new Map())).toMatchObject({ readings: 41 });
});

test("names the moments around a commit at which the process may die", async () => {
  const passed: string[] = [];
  const log = await open({ crashPoint: (name) => passed.push(name) });
  await log.append(aReport("m", "1"));
  expect(passed).toEqual(["log-write-begun", "log-written"]);
});

const program = fileURLToPath(new URL("../support/processes/append-reports.ts", import.meta.url));

/** A process that appends to the log until it is killed. `limitKb` is the largest file that it may write. */
function appender(dataDir: string, atOnce: number, bytes: number, limitKb?: number) {
  const run = `exec "$0" --no-warnings "$@"`;
  const script = limitKb === undefined ? run : `ulimit -S -f ${limitKb} && ${run}`;
  const child = spawn("bash", ["-c", script, process.execPath, program, dataDir, String(atOnce), String(bytes)]);
  onTestFinished(() => void child.kill("SIGKILL"));
  const acknowledged = new Set<number>();
  const failures: string[] = [];
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ended = new Promise<void>((resolve) =>
    createInterface({ input: child.stdout })
      .once("close", resolve)
      .on("line", (line) => {
        if (line.startsWith("failed ")) failures.push(line.slice("failed ".length));
        else if (line !== "") acknowledged.add(Number(line));
      }),
  );
  return {
    pid: child.pid ?? 0,
    acknowledged,
    failures,
    errors: () => errors,
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function numbersIn(dataDir: string): Promise<Set<number>> {
  const log = await open({ dataDir });
  // Two readings a report (append-reports.ts).
  const count = (await log.unread(new Map())).readings / 2;
  const collected = collector();
  const subscription = await log.consume(collected.consumer);
  await reports(collected, count);
  await subscription.close();
  expect(textsOf(collected.frames)).toHaveLength(count);
  return new Set(collected.frames.flatMap((frame) => frame.reports.map(({ receivedAtMs }) => receivedAtMs)));
}

test("killed with SIGKILL, again and again, it has everything that it acknowledged", async () => {
  for (const enough of [3, 200, 1500]) {
    const dataDir = await temporaryDirectory();
    const process = appender(dataDir, 40, 200);
    await vi.waitFor(() => expect(process.acknowledged.size, process.errors()).toBeGreaterThan(enough), {
      timeout: 20_000,
      interval: 1,
    });
    await process.kill();
    const kept = await numbersIn(dataDir);
    expect([...process.acknowledged].filter((number) => !kept.has(number))).toEqual([]);
  }
}, 60_000);

test("without room it says so, loses nothing that it acknowledged, and goes on when there is room", async ({
  skip,
}) => {
  const dataDir = await temporaryDirectory();
  const process = appender(dataDir, 4, 20_000, 4096);
  await vi.waitFor(() => expect(process.failures.length, process.errors()).toBeGreaterThan(3), {
    timeout: 20_000,
    interval: 5,
  });
  expect(new Set(process.failures)).toEqual(new Set(["log_full true"]));
  const before = process.acknowledged.size;
  expect(before).toBeGreaterThan(10);
  const raised = spawn("prlimit", ["--pid", String(process.pid), "--fsize=unlimited"]);
  const status = await new Promise((resolve) => raised.once("error", () => resolve("absent")).once("close", resolve));
  if (status !== 0) skip(`prlimit (util-linux) is ${status}, so the limit can't be raised again`);
  await vi.waitFor(() => expect(process.acknowledged.size).toBeGreaterThan(before + 100), {
    timeout: 20_000,
    interval: 5,
  });
  await process.kill();
  const kept = await numbersIn(dataDir);
  expect([...process.acknowledged].filter((number) => !kept.has(number))).toEqual([]);
}, 60_000);

test.for([
  { what: "removed", file: "log.db", instead: undefined },
  { what: "replaced by a copy", file: "log.db", instead: "copy" },
  { what: "removed", file: "log.db-wal", instead: undefined },
])("where $file is $what while it is open, nothing is acknowledged until it is back", async ({ file, instead }) => {
  const dataDir = await temporaryDirectory();
  const log = await open({ dataDir });
  await log.append(aReport("m", "before"));
  const [path, kept] = [join(dataDir, file), join(dataDir, "kept")];
  renameSync(path, kept);
  if (instead !== undefined) copyFileSync(kept, path);
  const refused = { code: "log_append_failed", retryable: true, message: expect.stringMatching(/removed or replaced/) };
  await expect(log.append(aReport("m", "meanwhile"))).rejects.toMatchObject(refused);
  const barrier = { atMs: 1, registry: 0, quietBefore: 0, readyThrough: null, closeId: null };
  await expect(log.appendBarrier([0], barrier)).rejects.toMatchObject(refused);
  renameSync(kept, path);
  await log.append(aReport("m", "after"));
  const collected = collector();
  const subscription = await log.consume(collected.consumer);
  onTestFinished(() => subscription.close());
  expect(await reports(collected, 2)).toEqual(["m:before", "m:after"]);
});

test("a log whose file is removed before its first append makes no other one", async () => {
  const dataDir = await temporaryDirectory();
  const log = await open({ dataDir });
  for (const suffix of ["", "-wal", "-shm"]) rmSync(join(dataDir, `log.db${suffix}`));
  await expect(log.append(aReport("m", "1"))).rejects.toMatchObject({ code: "log_append_failed" });
  expect(existsSync(join(dataDir, "log.db"))).toBe(false);
});
