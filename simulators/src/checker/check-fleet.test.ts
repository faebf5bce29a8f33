// Goal: the checker finds every kind of fault. Method: a faultless server passes, then one fault after another is
// planted.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import type { FakeAnswers, FakeReading, FakeRow, FakeSnapshot } from "../fixtures/fake-meterbook.ts";
import { faultlessAnswers, issueAgain, startFakeMeterbook } from "../fixtures/fake-meterbook.ts";
import { startPubackServer } from "../fixtures/puback-server.ts";
import { startFleet } from "../fleet/fleet.ts";
import type { CheckOptions } from "./check-fleet.ts";
import { checkFleet } from "./check-fleet.ts";
import type { Check } from "./findings.ts";
import { meterbookApi } from "./meterbook-api.ts";
import type { Truth } from "./read-truth.ts";
import { readTruth } from "./read-truth.ts";

// The machine may be busy with the other tests.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let truth: Truth;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "check-fleet-"));
  const server = await startPubackServer(() => true);
  const path = join(directory, "truth.ndjson");
  const faults = { lost: 0.1, repeated: 0.1, reordered: 0.1, lateDays: 0.05, malformed: 0.02, conflicting: 0.05 };
  await startFleet({
    url: server.url,
    meters: 8,
    from: "2026-02",
    to: "2026-05",
    reportEvery: 3600,
    step: 3600,
    seed: 4,
    truth: path,
    ...faults,
  }).done;
  await server.kill();
  truth = await readTruth(path);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function check(spoil: (answers: FakeAnswers) => unknown = () => undefined, options: Partial<CheckOptions> = {}) {
  const answers = faultlessAnswers(truth);
  spoil(answers);
  const server = await startFakeMeterbook(answers);
  onTestFinished(() => server.close());
  const nowMs = () => Date.parse("2026-04-02T00:00:00Z");
  const usual = { deadlineMs: 100, shared: false, redelivered: false, nowMs };
  return checkFleet(truth, meterbookApi(server.url, undefined), { ...usual, ...options });
}

const readingsOf = (answers: FakeAnswers): FakeReading[] => answers.readings.get("sim-000002") as FakeReading[];
const snapshotOf = (answers: FakeAnswers, period = "2026-02"): FakeSnapshot =>
  answers.snapshots.get(period)?.find(({ meterId }) => meterId === "sim-000002") as FakeSnapshot;
const rowOf = (answers: FakeAnswers, method: string): FakeRow =>
  [...answers.snapshots.values()]
    .flat()
    .flatMap(({ registers }) => registers)
    .find((row) => row.method === method && row.register === "1.8.0") as FakeRow;

test("a faultless server passes, and every kind of check had something to look at", async () => {
  const { findings, score } = await check();
  expect(findings.differences).toEqual([]);
  const empty = findings
    .table()
    .split("\n")
    .filter((line) => line.endsWith("-"));
  expect(empty).toEqual([]);
  expect(score.table()).toMatch(/EXACT[\s\S]*LINEAR_SHORT/);
});

interface Planted {
  readonly fault: string;
  readonly spoil: (answers: FakeAnswers) => unknown;
  readonly found: Check;
}

const planted: readonly Planted[] = [
  { fault: "a lost reading", spoil: (answers) => void readingsOf(answers).splice(700, 1), found: "stored" },
  { fault: "a lost meter", spoil: (answers) => void answers.readings.delete("sim-000002"), found: "stored" },
  {
    fault: "a changed value",
    spoil: (answers) => Object.assign(readingsOf(answers)[700] as FakeReading, { value: 1 }),
    found: "phantom",
  },
  {
    fault: "a reading of nowhere",
    spoil: (answers) =>
      void readingsOf(answers).push({ ...(readingsOf(answers)[0] as FakeReading), at: "2026-03-03T03:33:00Z" }),
    found: "phantom",
  },
  {
    fault: "a register of nowhere",
    spoil: (answers) =>
      void readingsOf(answers).push({ ...(readingsOf(answers)[0] as FakeReading), register: "9.8.0" }),
    found: "phantom",
  },
  {
    fault: "another meter",
    spoil: (answers) => void answers.snapshots.get("2026-02")?.push({ ...snapshotOf(answers), meterId: "ghost" }),
    found: "phantom",
  },
  {
    fault: "a wrong unit",
    spoil: (answers) => Object.assign(readingsOf(answers)[5] as FakeReading, { unit: "varh" }),
    found: "phantom",
  },
  {
    fault: "an estimate that calls itself actual, or the reverse",
    spoil: (answers) => Object.assign(readingsOf(answers)[5] as FakeReading, { quality: "estimated" }),
    found: "quality",
  },
  { fault: "the later of two values", spoil: keepTheLater, found: "value" },
  { fault: "a conflict that is not listed", spoil: (answers) => answers.conflicts.clear(), found: "conflict" },
  {
    fault: "counts that do not add up",
    spoil: ({ status }) => Object.assign(status, { duplicates: 0 }),
    found: "conservation",
  },
  {
    fault: "a wrong count that adds up",
    spoil: ({ status }) =>
      Object.assign(status, { stored: Number(status["stored"]) - 1, duplicates: Number(status["duplicates"]) + 1 }),
    found: "counts",
  },
  {
    fault: "a rejection too few",
    spoil: ({ status }) =>
      Object.assign(status, { received: Number(status["received"]) - 1, rejected: Number(status["rejected"]) - 1 }),
    found: "counts",
  },
  { fault: "never settled", spoil: ({ status }) => Object.assign(status, { settled: false }), found: "settled" },
  { fault: "a wrong exact value", spoil: (answers) => shift(rowOf(answers, "EXACT")), found: "boundary" },
  { fault: "a wrong interpolated value", spoil: (answers) => shift(rowOf(answers, "LINEAR_SHORT")), found: "boundary" },
  {
    fault: "a line where an exact reading is",
    spoil: (answers) => Object.assign(rowOf(answers, "EXACT"), { method: "LINEAR_SHORT" }),
    found: "method",
  },
  {
    fault: "nothing where a reading is",
    spoil: (answers) =>
      void Object.assign(rowOf(answers, "EXACT"), { method: "MISSING", value: null, consumption: null }),
    found: "method",
  },
  {
    fault: "a wrong consumption",
    spoil: (answers) => Object.assign(rowOf(answers, "EXACT"), { consumption: 1 }),
    found: "consumption",
  },
  {
    fault: "an opening that is not the closing before",
    spoil: (answers) => void Object.assign(rowOf(answers, "EXACT"), { opening: 1 }),
    found: "opening",
  },
  {
    fault: "an interpolated value that calls itself actual",
    spoil: (answers) => Object.assign(rowOf(answers, "LINEAR_SHORT"), { quality: "actual" }),
    found: "quality",
  },
  {
    fault: "a snapshot that is not there",
    spoil: (answers) => void answers.snapshots.delete("2026-02"),
    found: "snapshot",
  },
  {
    fault: "a register that the snapshot leaves out",
    spoil: (answers) => void snapshotOf(answers).registers.pop(),
    found: "snapshot",
  },
  {
    fault: "a wrong boundary",
    spoil: (answers) => Object.assign(snapshotOf(answers), { boundary: "2026-04-01T00:00:00Z" }),
    found: "snapshot",
  },
];

function shift(row: FakeRow): void {
  row.value = (row.value ?? 0) + 3;
  row.consumption = (row.consumption ?? 0) + 3;
}

function keepTheLater(answers: FakeAnswers): void {
  const [meterId, conflicts] = [...answers.conflicts].find(([, of]) => of.length > 0) as [
    string,
    { register: string; at: string; refused: { value: number } }[],
  ];
  const { register, at, refused } = conflicts[0] as (typeof conflicts)[number];
  const kept = answers.readings
    .get(meterId)
    ?.find((reading) => reading.at === at && reading.register === register) as FakeReading;
  kept.value = refused.value;
}

test.for(planted)("finds $fault", async ({ spoil, found }) => {
  const { findings } = await check(spoil);
  expect(findings.differences.map(({ check: of }) => of)).toContain(found);
});

/** Where the month of March begins. */
const boundaryAt = "2026-02-28T22:00:00.000Z";

interface Agreed {
  readonly change: string;
  readonly spoil: (answers: FakeAnswers) => unknown;
  readonly expected: readonly { readonly check: Check; readonly where: string }[];
}

const agreed: readonly Agreed[] = [
  {
    change: "a reading at a month's end is gone",
    spoil: (answers) => void readingsOf(answers).splice(boundaryIndex(answers), 1),
    expected: [
      { check: "stored", where: "sim-000002 1.8.0 2026-02-28T22:00:00Z" },
      { check: "boundary", where: "sim-000002 1.8.0 2026-02" },
    ],
  },
  {
    change: "a reading at a month's end has another value",
    spoil: (answers) => Object.assign(readingsOf(answers)[boundaryIndex(answers)] as FakeReading, { value: 1 }),
    expected: [
      { check: "phantom", where: "sim-000002 1.8.0 2026-02-28T22:00:00Z" },
      { check: "boundary", where: "sim-000002 1.8.0 2026-02" },
    ],
  },
  {
    change: "nothing is left of the days around a month's end",
    spoil: (answers) =>
      answers.readings.set(
        "sim-000002",
        readingsOf(answers).filter(({ at }) => at < "2026-02-25" || at > "2026-03-05"),
      ),
    expected: [
      { check: "stored", where: "sim-000002 1.8.0 2026-02-28T22:00:00Z" },
      { check: "boundary", where: "sim-000002 1.8.0 2026-02" },
    ],
  },
  {
    change: "the whole meter is gone",
    spoil: (answers) => answers.readings.set("sim-000002", []),
    expected: [
      { check: "stored", where: "sim-000002 1.8.0 2026-02-28T22:00:00Z" },
      { check: "snapshot", where: "sim-000002 1.8.0 2026-02" },
    ],
  },
];

function boundaryIndex(answers: FakeAnswers): number {
  return readingsOf(answers).findIndex(({ at, register }) => at === boundaryAt && register === "1.8.0");
}

test.for(agreed)("D09: $change, and the months say the same as the store: found", async ({ spoil, expected }) => {
  const { findings } = await check((answers) => {
    spoil(answers);
    issueAgain(answers, truth, "sim-000002");
  });
  const found = findings.differences.map(({ check: of, where }) => ({ check: of, where }));
  expect(found).toEqual(expect.arrayContaining([...expected]));
});

test("on a shared server, counts and other meters are nobody's fault", async () => {
  const { findings } = await check(
    (answers) => {
      answers.status["received"] = Number(answers.status["received"]) + 10;
      answers.status["stored"] = Number(answers.status["stored"]) + 10;
      answers.snapshots.get("2026-02")?.push({ ...snapshotOf(answers), meterId: "somebody-else" });
    },
    { shared: true },
  );
  expect(findings.differences).toEqual([]);
});

test("behind a broker more may have arrived than was sent, and no more may be stored", async () => {
  const more =
    (...names: string[]) =>
    (answers: FakeAnswers) => {
      for (const name of names) answers.status[name] = Number(answers.status[name]) + 1000;
    };
  const redelivered = { redelivered: true };
  expect((await check(more("received", "duplicates"), redelivered)).findings.differences).toEqual([]);
  expect((await check(more("received", "duplicates"))).findings.differences).toHaveLength(2);
  expect((await check(more("received", "stored"), redelivered)).findings.differences).toHaveLength(1);
});

test("what was not acknowledged may be there or not", async () => {
  const last = [...truth.readingsOf.keys()]
    .filter((message) => (truth.readingsOf.get(message) ?? 0) > 0)
    .at(-1) as number;
  truth.acknowledged.delete(last);
  onTestFinished(() => void truth.acknowledged.add(last));
  expect((await check()).findings.differences).toEqual([]);
});

test("a file that is no truth is refused with its line", async () => {
  const path = join(directory, "not-truth.ndjson");
  await writeFile(path, '{"type":"fleet","version":1,"zone":"UTC"}\n{"type":"message"}\n{"type":"end"}\n');
  await expect(readTruth(path)).rejects.toThrow("not-truth.ndjson:2 is not a line of a truth file");
});
