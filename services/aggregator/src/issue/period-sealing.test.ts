import { expect, test, vi } from "vitest";
import { periodSealing } from "./period-sealing.ts";

const minuteMs = 60_000;
const tick = { closeId: null };
const close = { closeId: "close-1" };

function sealingOf() {
  const seal = vi.fn(async () => undefined);
  const sealing = periodSealing({ seal });
  const pass = async (barrier: { readonly closeId: string | null }, atMs: number) => {
    if (sealing.isAt(barrier, atMs)) await sealing.seal(atMs);
  };
  return { seal, sealing, pass };
}

test("the first barrier of an owner seals what may be left, and asks for no barrier of its own", async () => {
  const { seal, sealing, pass } = sealingOf();
  expect(sealing.isDueAt(1e12)).toBe(false);
  await pass(tick, 5);
  await pass(tick, 1e12);
  expect(seal.mock.calls).toEqual([[5]]);
});

test("the first barrier of an owner seals what may be left also where it issues more", async () => {
  const { seal, sealing } = sealingOf();
  sealing.issued(5);
  expect(sealing.isAt(tick, 5)).toBe(true);
  await sealing.seal(5);
  sealing.issued(6);
  expect(sealing.isAt(tick, 6)).toBe(false);
  expect(seal).toHaveBeenCalledTimes(1);
});

test("a close seals at its end, whatever was issued", async () => {
  const { seal, pass } = sealingOf();
  await pass(tick, 1);
  await pass(close, 2);
  await pass(close, 3);
  expect(seal.mock.calls).toEqual([[1], [2], [3]]);
});

test("revisions of ten minutes share a seal", async () => {
  const { seal, sealing, pass } = sealingOf();
  await pass(tick, 0);
  for (let minute = 1; minute <= 30; minute += 1) {
    sealing.issued(minute * minuteMs);
    await pass(tick, minute * minuteMs);
  }
  expect(seal.mock.calls).toEqual([[0], [11 * minuteMs], [22 * minuteMs]]);
});

test("where the clock was put back since, a seal is due ten minutes later by it, not when it gets there again", async () => {
  const { seal, sealing, pass } = sealingOf();
  await pass(tick, 60 * minuteMs);
  sealing.issued(60 * minuteMs);
  expect([0, 9, 10].map((minute) => sealing.isDueAt(minute * minuteMs))).toEqual([false, false, true]);
  // Log time never goes back.
  await pass(tick, 60 * minuteMs + 1);
  expect(seal).toHaveBeenCalledTimes(2);
});

test("after an append that failed the next barrier looks again, and a seal that failed is tried again", async () => {
  const { seal, sealing, pass } = sealingOf();
  await pass(tick, 1);
  sealing.inDoubt();
  seal.mockRejectedValueOnce(new Error("away"));
  await expect(pass(tick, 2)).rejects.toThrow("away");
  await pass(tick, 3);
  await pass(tick, 4);
  expect(seal.mock.calls).toEqual([[1], [2], [3]]);
});
