// Goal: the dots of a register are all of its readings in the range, or none where they cannot be told apart.
import { expect, test } from "vitest";
import { fakeApi, readingsOf } from "../../../../test/support/web/fake-api.ts";

const from = Date.parse("2026-10-01T21:00:00Z") / 1000;
const days = 8 * 86_400;
const held: { readings: ReturnType<typeof reading>[] } = { readings: [] };
fakeApi({
  "/v1/meters/m-1/readings": (query) => readingsOf(held.readings)(query),
  "/v1/meters/m-1/snapshots": () => [],
});
const { loadDots } = await import("./load-dots.ts");

function reading(seconds: number, kind: string) {
  const at = new Date((from + seconds) * 1000).toISOString();
  return { at, register: "1.8.0", kind, value: seconds, unit: "Wh", quality: "actual", origin: "remote" };
}

async function valuesOf(stepSeconds: number) {
  const steps = Array.from({ length: days / stepSeconds }, (_, i) => i * stepSeconds);
  held.readings = steps.flatMap((at) => [reading(at, "interval"), reading(at, "register")]);
  const range = { meterId: "m-1", register: "1.8.0", from, to: from + days };
  return { steps, values: (await loadDots(range, new AbortController().signal)).map(({ value }) => value) };
}

test("quarter hours of both kinds are more than a page: each has its dot", async () => {
  const { steps, values } = await valuesOf(900);
  expect(values).toEqual(steps);
});

test("so many that they cannot be told apart have none", async () => {
  expect((await valuesOf(60)).values).toEqual([]);
});
