// Goal: a doubted reading of a range is listed however many readings came before it, and a limit that cut is said.
import { expect, test } from "vitest";
import { fakeApi, readingsOf } from "../../../../test/support/web/fake-api.ts";

const from = Date.parse("2026-10-01T21:00:00Z") / 1000;
const { signal } = new AbortController();
const held: { readings: Held[]; findings: object[] } = { readings: [], findings: [] };
const { calls } = fakeApi({
  "/v1/findings": () => held.findings,
  "/v1/meters/m-1/readings": (query) => readingsOf(held.readings)(query),
});
const { loadDoubts } = await import("./load-doubts.ts");

type Held = ReturnType<typeof reading>;

const day = 86_400;

function reading(seconds: number, quality = "actual") {
  const at = new Date((from + seconds) * 1000).toISOString();
  return { at, register: "1.8.0", kind: "register", value: seconds, unit: "Wh", quality, origin: "remote", id: at };
}

function finding(seconds: number, register = "1.8.0") {
  return { rule: "V13", register, at: reading(seconds).at };
}

/** Eight days at one step; the last reading is a doubtful one. */
function eightDays(stepSeconds: number): Held[] {
  const count = (8 * day) / stepSeconds;
  return Array.from({ length: count }, (_, i) => reading(i * stepSeconds, i === count - 1 ? "suspect" : "actual"));
}

async function doubtsOf(to: number) {
  const range = { meterId: "m-1", register: "1.8.0", from, to: from + to };
  const { doubts, isCut } = await loadDoubts(range, signal);
  return { isCut, doubts: doubts.map((doubt) => [doubt.reading.value, doubt.rules]) };
}

test("the newest of eight days of minutes is found", async () => {
  held.findings = [finding(600)];
  held.readings = eightDays(60);
  expect(await doubtsOf(8 * day)).toEqual({
    isCut: false,
    doubts: [
      [600, ["V13"]],
      [8 * day - 60, []],
    ],
  });
});

test("more readings than the limit are cut, and it is said", async () => {
  held.findings = [];
  held.readings = eightDays(30);
  expect(await doubtsOf(8 * day)).toEqual({ isCut: true, doubts: [] });
});

test("findings of other registers leave a register its own", async () => {
  held.findings = [...Array.from({ length: 150 }, (_, i) => finding(i, "2.8.0")), finding(600)];
  held.readings = [reading(600)];
  expect(await doubtsOf(day)).toEqual({ isCut: false, doubts: [[600, ["V13"]]] });
});

test("of a long range the readings of findings alone are asked for, twelve of them", async () => {
  held.findings = Array.from({ length: 13 }, (_, i) => finding(i * day));
  held.readings = Array.from({ length: 30 }, (_, i) => reading(i * day));
  calls.splice(0);
  const { doubts, isCut } = await doubtsOf(30 * day);
  expect({ doubts: doubts.length, isCut }).toEqual({ doubts: 12, isCut: true });
  expect(calls.filter((call) => call.includes("/readings?")).length).toBe(12);
});
