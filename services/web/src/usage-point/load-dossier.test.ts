// Goal: the readings around a month's end are all there, whatever else the meter has; a limit that cut is said.
import { expect, test } from "vitest";
import { fakeApi, readingsOf } from "../../../../test/support/web/fake-api.ts";
import type { ToldStatement } from "./load-statement.ts";

const end = Date.parse("2026-10-31T22:00:00Z");
const { signal } = new AbortController();
const held: { readings: Held[]; conflicts: object[] } = { readings: [], conflicts: [] };
const { calls } = fakeApi({
  "/v1/meters/m-1/readings": (query) => readingsOf(held.readings)(query),
  "/v1/meters/m-1/conflicts": () => held.conflicts,
});
const { loadDossier } = await import("./load-dossier.ts");

type Held = ReturnType<typeof reading>;

function at(minutes: number): string {
  return new Date(end + minutes * 60_000).toISOString();
}

function reading(register: string, kind: "register" | "interval", minutes: number, origin = "remote") {
  return { at: at(minutes), register, kind, value: 5000 + minutes, unit: "Wh", quality: "actual", origin };
}

/** One a minute, so many before and after the end. */
function eachMinute(register: string, kind: "register" | "interval", around: number): Held[] {
  return Array.from({ length: 2 * around + 1 }, (_, i) => reading(register, kind, i - around));
}

function conflict(register: string, kind: "register" | "interval", minutes: number) {
  const refused = { value: 77, quality: "actual", origin: "customer" };
  return { id: minutes, meterId: "m-1", register, kind, unit: "Wh", at: at(minutes), kept: refused, refused };
}

function told(...registers: string[]): ToldStatement {
  const segment = { meterId: "m-1", snapshotId: "m-1/2026-10/1", from: "2026-09-30T21:00:00Z", to: at(0) };
  const statement = { to: at(0), registers: registers.map((register) => ({ register, segments: [segment] })) };
  return { statement, revisions: [], zone: "Europe/Kyiv" } as unknown as ToldStatement;
}

async function entriesOf(...registers: string[]) {
  const { entries, isCut } = await loadDossier(told(...registers), signal);
  return { isCut, entries: entries.map((one) => `${one.register} ${(Date.parse(one.at) - end) / 60_000} ${one.part}`) };
}

test("each register has its nearest readings, where others and intervals fill many pages", async () => {
  held.readings = [
    ...eachMinute("1.8.0", "interval", 1500),
    ...eachMinute("1.8.0", "register", 1500),
    ...eachMinute("2.8.0", "register", 1500),
    ...eachMinute("3.8.0", "register", 1500),
  ].sort((a, b) => (a.at < b.at ? -1 : 1));
  held.conflicts = [];
  const nearest = (register: string) => [-2, -1, 0, 1, 2, 3].map((minutes) => `${register} ${minutes} stands`);
  calls.splice(0);
  expect(await entriesOf("1.8.0", "2.8.0")).toEqual({
    isCut: false,
    entries: [...nearest("1.8.0"), ...nearest("2.8.0")],
  });
  // The third is not on the statement.
  expect(calls.filter((call) => call.includes("register=3.8.0"))).toEqual([]);
});

test("a reading that a person took is there, though it is not of the nearest", async () => {
  held.readings = [...eachMinute("1.8.0", "register", 3), reading("1.8.0", "register", 700, "inspector")];
  held.conflicts = [];
  expect((await entriesOf("1.8.0")).entries).toContain("1.8.0 700 stands");
});

test("a second value is there however many came before it, those of intervals and of other registers are not", async () => {
  held.readings = [];
  held.conflicts = [
    ...Array.from({ length: 1200 }, (_, i) => conflict("1.8.0", "register", -200_000 + i)),
    conflict("1.8.0", "interval", -15),
    conflict("9.8.0", "register", -15),
    conflict("1.8.0", "register", -30),
  ];
  expect(await entriesOf("1.8.0")).toEqual({ isCut: false, entries: ["1.8.0 -30 beside"] });
});

test.each([
  ["readings", { readings: Array.from({ length: 10_001 }, (_, i) => reading("1.8.0", "register", i / 5)) }],
  ["second values", { conflicts: Array.from({ length: 10_001 }, (_, i) => conflict("1.8.0", "register", -i)) }],
])("more %s than the limit are cut, and it is said", async (_, lists) => {
  Object.assign(held, { readings: [], conflicts: [] }, lists);
  expect((await entriesOf("1.8.0")).isCut).toBe(true);
});
