// Goal: `npm run verify` names the row of anything that is not what it was (H06, H07, H08), within 10 s for a million
// snapshots. Method: bits of records are turned behind SQLite's back. VERIFY_SNAPSHOTS=1000000 measures at full size.
import { open, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { prepareDataDirectory } from "@meterbook/adapters/embedded/directory/data-directory";
import {
  openEmbeddedSnapshotLedgers,
  openEmbeddedSnapshotView,
} from "@meterbook/adapters/embedded/ledger/embedded-snapshot-ledger";
import { contentHash, encodeLedgerRecord } from "@meterbook/adapters/sqlite-views/ledger/ledger-record";
import { leafHash, merkleRoot } from "@meterbook/core/domain/seal/merkle-tree";
import type { RegisterSnapshot, Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { sha256 } from "@meterbook/core/records/seal/sha256";
import { verifyApi } from "@meterbook/standalone/commands/verify-api";
import { expect, onTestFinished, test } from "vitest";
import { mixedTraffic } from "../support/fleets/mixed-traffic.ts";
import { flippedBit } from "../support/flipped-bit.ts";
import { publishAll } from "../support/network/publisher.ts";
import { runCommand } from "../support/processes/command-process.ts";
import { startMeterbook } from "../support/processes/meterbook-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { apiWorld, servedApi } from "../support/worlds/api-world.ts";
import { memoryLedger } from "../walk/memory-ledger.ts";

const snapshots = Number(process.env["VERIFY_SNAPSHOTS"] ?? 50_000);
const secondsMax = 10;
/** Behind the head of a snapshot (42 bytes), the hash and the name of the first register: in its value. */
const behindReason = 42 + 34 + 8;

test(`H06: a flipped bit among ${snapshots} snapshots is found and named within ${secondsMax} s`, async () => {
  const dataDir = await temporaryDirectory();
  await issue(dataDir, snapshots);
  const sound = await verify(dataDir);
  expect([sound.code, sound.errors, sound.output]).toEqual([0, "", expect.stringContaining(`${snapshots} snapshots`)]);
  const [flipped] = await flipIn(join(dataDir, "ledger.db"), "meter-7777777", behindReason);
  expect(flipped).toBeDefined();
  const begun = performance.now();
  const found = await verify(dataDir);
  const seconds = (performance.now() - begun) / 1000;
  console.log(`${snapshots} snapshots in ${seconds.toFixed(1)} s`, found.output);
  expect(found.code).toBe(1);
  expect(found.output).toMatch(/^ledger.db meter-7777777 2026-10 revision 1 \w+: /m);
  expect(found.output).toContain("1 are wrong");
  expect(seconds).toBeLessThan(secondsMax);
});

test("a snapshot that somebody changed with all its checksums is named by its seal", async () => {
  const dataDir = await temporaryDirectory();
  await issue(dataDir, 1000);
  const file = join(dataDir, "ledger.db");
  const kept = join(await temporaryDirectory(), "seals.ndjson");
  const view = openEmbeddedSnapshotView({ dataDir });
  const { seals } = await view.seals(2026 * 12 + 9);
  await view.close();
  expect(seals).toMatchObject([{ shard: 0, size: 1000 }]);
  await writeFile(kept, `${JSON.stringify({ period: "2026-10", shards: seals })}\n`);
  expect((await verify(dataDir, "--seals", kept)).code).toBe(0);
  const forged = encodeLedgerRecord(withHash({ ...aSnapshot(7), usagePointId: "another" }));
  change(file, "UPDATE ledger SET body = ? WHERE sequence = 8", forged);
  const named = "ledger.db meter-7 2026-10 revision 1 seal_mismatch: it is not the record that stands under";
  expect(linesOf(await verify(dataDir))).toEqual([expect.stringContaining(named)]);
  // Whoever changes the tree as well is found by the seal, and who changes that too by one that was kept elsewhere.
  const leaves = cellOf(file, "SELECT leaves FROM tile WHERE tile = 0");
  Buffer.from(leafHash(sha256, forged)).copy(leaves, 7 * 32);
  change(file, "UPDATE tile SET leaves = ? WHERE tile = 0", leaves);
  const tile = "ledger.db 2026-10 shard 0 tile 0 checksum_mismatch: its hashes do not give its root";
  const seal =
    "ledger.db 2026-10 shard 0 seal of 1000 records seal_mismatch: the records are not those that were sealed";
  expect(linesOf(await verify(dataDir)).sort()).toEqual([seal, tile]);
  const hashes = Array.from({ length: 256 }, (_, index) => leaves.subarray(index * 32, index * 32 + 32));
  change(file, "UPDATE tile SET root = ? WHERE tile = 0", merkleRoot(sha256, hashes));
  change(file, "DELETE FROM seal");
  expect(linesOf(await verify(dataDir, "--seals", kept))).toEqual([seal]);
});

test("H06: an API that tells of another snapshot than was sealed is told on by its own proofs", async () => {
  const ledger = memoryLedger();
  const owner = ledger.open(2);
  const all = Array.from({ length: 700 }, (_, number) => aSnapshot(number));
  await owner.append(all);
  await owner.seal(5);
  const { address } = await servedApi(apiWorld({ snapshots: ledger.view }));
  const url = `http://${address}`;
  expect(await verifyApi(url, undefined)).toEqual({ rows: 700, wrong: [] });
  const { seals } = await ledger.view.seals(2026 * 12 + 9);
  for (const number of [0, 300, 301, 699]) {
    const forged = encodeLedgerRecord(withHash({ ...aSnapshot(number), usagePointId: "another" }));
    ledger.database.exec("DROP TRIGGER IF EXISTS ledger_is_final");
    ledger.database.prepare("UPDATE ledger SET body = ? WHERE sequence = ?").run(forged, 2 * 2 ** 44 + number + 1);
  }
  const { wrong } = await verifyApi(url, undefined, seals);
  const places = [0, 300, 301, 699].map((number) => `meter-${number}/2026-10/1 seal_mismatch: `);
  expect(wrong.map((line) => line.slice(0, line.indexOf(": ") + 2))).toEqual([
    ...places,
    "2026-10 shard 2 seal of 700 records kept seal_mismatch: ",
  ]);
});

test("H05, H06: a list of revisions that leads elsewhere, or to nothing, is told by the revision", async () => {
  const dataDir = await temporaryDirectory();
  await issue(dataDir, 1000);
  const database = new DatabaseSync(join(dataDir, "ledger.db"));
  database.exec(`DROP TRIGGER ledger_is_kept; DROP TRIGGER revision_is_final; DROP TRIGGER revision_is_kept;
    DELETE FROM ledger WHERE sequence = 17; DELETE FROM revision WHERE meter_id = 'meter-41';
    UPDATE revision SET sequence = CASE meter_id WHEN 'meter-7' THEN 9 ELSE 8 END WHERE meter_id IN ('meter-7', 'meter-8')`);
  database.close();
  const { code, output } = await verify(dataDir);
  const misled = "2026-10 revision 1 key_mismatch: the list of revisions does not lead to it";
  expect([code, output.split("\n").slice(0, -3).sort()]).toEqual([
    1,
    [
      "ledger.db meter-16 2026-10 revision 1 records_lost: it is listed, and there is no record of it",
      ...["meter-41", "meter-7", "meter-8"].map((meterId) => `ledger.db ${meterId} ${misled}`),
    ],
  ]);
});

test("H06: the months of real work are verified while it runs, and by its API", async () => {
  const meterbook = await startMeterbook({ METERBOOK_SETTLE_SECONDS: "0", METERBOOK_LOG_LEVEL: "error" });
  try {
    const traffic = mixedTraffic({ seed: 7, meters: 6, days: 40, waves: 1 });
    await publishAll(() => meterbook.mqttUrl, traffic.waves.flat());
    await meterbook.settled();
    const { dataDir } = meterbook;
    expect(await verify(dataDir)).toMatchObject({
      code: 0,
      errors: "",
      output: expect.stringContaining("all is well"),
    });
    const api = await runCommand("verify", ["--api", meterbook.httpUrl]);
    expect(api).toMatchObject({
      code: 0,
      errors: "",
      output: expect.stringContaining("all give their hash, and their seals"),
    });
    expect(await meterbook.stop()).toBe(0);
  } finally {
    await meterbook.dispose();
  }
});

test("H07, H08: a flipped bit in a block of readings and in a frame is found, named and counted once", async () => {
  const meterbook = await startMeterbook({ METERBOOK_SETTLE_SECONDS: "0", METERBOOK_LOG_LEVEL: "error" });
  try {
    const traffic = mixedTraffic({ seed: 11, meters: 6, days: 40, waves: 1 });
    await publishAll(() => meterbook.mqttUrl, traffic.waves.flat());
    await meterbook.settled();
    expect(await meterbook.stop()).toBe(0);
    const blocks = [
      ["series.db", "hot", "id", "data"],
      ["log.db", "frame", "position", "body"],
    ] as const;
    for (const [file, table, key, column] of blocks) {
      const mend = flipInRow(join(meterbook.dataDir, file), { table, key, column });
      const found = await verify(meterbook.dataDir);
      expect([file, table, found.code, found.errors]).toEqual([file, table, 1, ""]);
      expect(found.output.split("\n").filter((line) => line.startsWith(`${file} `))).toHaveLength(1);
      expect(found.output).toContain("1 are wrong");
      mend();
    }
    expect((await verify(meterbook.dataDir)).code).toBe(0);
  } finally {
    await meterbook.dispose();
  }
});

test("H06: an API that answers with another number than was issued is told on", async () => {
  const { boundary, registers, issuedAtMs, ...head } = aSnapshot(1);
  const answer = {
    ...head,
    id: "meter-1/2026-10/1",
    period: "2026-10",
    boundary: new Date(boundary * 1000).toISOString(),
    issuedAt: new Date(issuedAtMs).toISOString(),
    registers: registers.map((row) => ({ ...row, consumption: 5, evidence: { before: null, after: null } })),
  };
  const server = createServer((_, response) => response.end(JSON.stringify({ items: [answer] })));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const found = await runCommand("verify", ["--api", url]);
  expect([found.code, found.output]).toEqual([1, expect.stringContaining("meter-1/2026-10/1 hash_mismatch")]);
});

test("N09: verify and repair say how they are used", async () => {
  for (const command of ["verify", "repair"]) {
    const help = await runCommand(command, ["--help"]);
    expect([help.code, help.errors, help.output]).toEqual([0, "", expect.stringContaining(`npm run ${command}`)]);
  }
});

function verify(dataDir: string, ...options: readonly string[]) {
  return runCommand("verify", [...options], { METERBOOK_DATA_DIR: dataDir });
}

/** What is wrong. */
function linesOf({ output }: { readonly output: string }): string[] {
  return output.split("\n").slice(0, -3);
}

function withHash(snapshot: Snapshot): Snapshot {
  return { ...snapshot, hash: contentHash(snapshot) };
}

/** As somebody would who may write to the file. */
function change(file: string, sql: string, value?: Uint8Array): void {
  const database = new DatabaseSync(file);
  database.exec("DROP TRIGGER IF EXISTS ledger_is_final; DROP TRIGGER IF EXISTS seal_is_kept");
  database.prepare(sql).run(...(value === undefined ? [] : [value]));
  database.close();
}

function cellOf(file: string, sql: string): Buffer {
  const database = new DatabaseSync(file);
  const [cell] = Object.values(database.prepare(sql).get() ?? {});
  database.close();
  return Buffer.from(cell as Uint8Array);
}

async function issue(dataDir: string, count: number): Promise<void> {
  prepareDataDirectory(dataDir);
  const ledger = await openEmbeddedSnapshotLedgers({ dataDir }).open(0);
  for (let from = 0; from < count; from += 20_000) {
    const size = Math.min(20_000, count - from);
    await ledger.append(
      Array.from({ length: size }, (_, i) => aSnapshot(from + i === count >> 1 ? 7_777_777 : from + i)),
    );
  }
  await ledger.seal(5);
  await ledger.close();
}

function aSnapshot(number: number): Snapshot {
  const row = {
    unit: "Wh",
    value: 12_345_678 + number,
    valueQuality: "actual",
    opening: 12_000_000,
    openingBasis: "previous",
    openingAt: 1_790_805_600,
    carried: 0,
    from: null,
    to: null,
    consumption: 345_678 + number,
    quality: "actual",
    method: "EXACT",
    origin: "remote",
    readAt: 1_793_484_000,
    before: null,
    after: null,
    intervals: null,
    fault: null,
    findings: [],
    estimate: null,
    usagePointId: null,
  } as const satisfies Omit<RegisterSnapshot, "register">;
  const content = {
    meterId: `meter-${number}`,
    usagePointId: `meter-${number}`,
    period: 2026 * 12 + 9,
    boundary: 1_793_484_000,
    registers: ["1.8.0", "1.8.1", "1.8.2"].map((register) => ({ register, ...row })),
  };
  const issued = { revision: 1, lifecycle: "final", issuedAtMs: 1_793_500_000_000, reason: "window closed" } as const;
  return { ...content, ...issued, hash: contentHash(content) };
}

/** Turns one bit in the middle of a table's first row; answers what turns it back. */
function flipInRow(
  path: string,
  { table, key, column }: Readonly<Record<"table" | "key" | "column", string>>,
): () => void {
  const turn = () => {
    const database = new DatabaseSync(path);
    const row = database.prepare(`SELECT ${key} AS no, ${column} AS bytes FROM ${table} ORDER BY ${key} LIMIT 1`).get();
    const write = database.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${key} = ?`);
    write.run(flippedBit(row?.["bytes"] as Uint8Array), row?.["no"] as number);
    database.close();
  };
  turn();
  return turn;
}

/** Turns one bit at `after` bytes behind each place where the text stands; answers the places. */
async function flipIn(path: string, text: string, after: number): Promise<number[]> {
  const bytes = await readFile(path);
  const handle = await open(path, "r+");
  const places: number[] = [];
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) {
    const place = at + text.length + after;
    // In the list of revisions the id stands too, and behind it another row.
    if (!bytes.subarray(at, at + 200).includes("window closed") && path.endsWith("ledger.db")) continue;
    places.push(place);
    await handle.write(Buffer.from([(bytes[place] as number) ^ 4]), 0, 1, place);
    break;
  }
  await handle.close();
  return places;
}
