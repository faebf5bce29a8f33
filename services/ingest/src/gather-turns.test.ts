import { setImmediate as turn } from "node:timers/promises";
import type { MeterMessage } from "@meterbook/core/ports/meter-endpoint";
import { expect, test } from "vitest";
import { gatherTurns } from "./gather-turns.ts";

const message: MeterMessage = {
  topic: "meters/m1/readings",
  payload: Buffer.from("x"),
  receivedAtMs: 0,
  clientId: "c",
};

function world() {
  let nowMs = 5000;
  const slept: number[] = [];
  const taken: MeterMessage[] = [];
  const behind = { isBehind: false };
  const take = gatherTurns(async (one) => void taken.push(one), {
    isBehind: () => behind.isBehind,
    nowMs: () => nowMs,
    sleep: (ms) => {
      slept.push(ms);
      nowMs += ms;
    },
  });
  /** Messages come, and time passes; answers whether the thread slept after it. */
  async function come(count: number, ms: number): Promise<boolean> {
    const before = slept.length;
    nowMs += ms;
    for (let i = 0; i < count; i += 1) await take(message);
    for (let i = 0; i < 3; i += 1) await turn();
    return slept.length > before;
  }
  return { come, taken, slept, behind };
}

test("nobody sleeps while few come", async () => {
  const { come, slept } = world();
  for (let i = 0; i < 50; i += 1) await come(9, 10);
  expect(slept).toEqual([]);
});

test("while many come the thread sleeps once after each turn, and all of them are taken", async () => {
  const { come, taken, slept } = world();
  await come(100, 50);
  await come(100, 50);
  for (let i = 0; i < 10; i += 1) expect(await come(100, 1)).toBe(true);
  expect(taken.length).toBe(1200);
  expect(new Set(slept)).toEqual(new Set([50]));
});

test("while more has come than a turn takes, the thread does not sleep", async () => {
  const { come, behind } = world();
  await come(100, 50);
  await come(100, 50);
  behind.isBehind = true;
  expect(await come(100, 1)).toBe(false);
  behind.isBehind = false;
  expect(await come(100, 1)).toBe(true);
});

test("a turn that found as many as senders have under way does not sleep", async () => {
  const { come } = world();
  await come(200, 100);
  expect(await come(1000, 1)).toBe(false);
  expect(await come(999, 1)).toBe(true);
});

test("when fewer come again, sleeping ends within some turns", async () => {
  const { come } = world();
  await come(200, 100);
  await come(1, 100);
  expect(await come(1, 100)).toBe(false);
});

test("what take does with a message is the answer", async () => {
  const failing = gatherTurns(() => Promise.reject(new Error("not kept")));
  await expect(failing(message)).rejects.toThrow("not kept");
});
