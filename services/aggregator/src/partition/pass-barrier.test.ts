import type { LogFrame } from "@meterbook/core/ports/readings-log";
import type { Barrier } from "@meterbook/sharding/barrier";
import { expect, test } from "vitest";
import { memorySnapshots } from "../../../../test/support/worlds/memory-ports.ts";
import { silentAggregatorEvents } from "../aggregator-events.ts";
import type { AggregatorOptions } from "../aggregator-options.ts";
import { type MeterState, meterState } from "../remember/meter-state.ts";
import { barrierPassing, type PassingPorts } from "./pass-barrier.ts";

const barrier: Barrier = { atMs: 0, registry: 0, quietBefore: 0, readyThrough: null, closeId: null };

/** Barriers for these meters, each of which fails at the end of what it appends while `isFull()`. */
function passingFor(due: () => MeterState[], isFull: () => boolean) {
  const time = { ms: Date.UTC(2026, 5, 15), move: () => undefined };
  const pending = { due, done: () => undefined };
  const ports = {
    series: { read: async () => [], readMany: async (ids: string[]) => ids.map(() => []) },
    ledger: { ...memorySnapshots(), mayOpen: () => true, reopen: async () => "held" },
    clock: { nowMs: () => 0 },
    memory: {
      ...{ pending, time, believed: { note: () => undefined } },
      ...{ isCarriedOut: () => false, carriedOut: async () => undefined },
    },
    registry: { count: async () => undefined },
    watch: { sweep: () => undefined },
    struck: { seen: (one: unknown) => one },
    sealing: { isAt: () => false, issued: () => undefined, inDoubt: () => undefined },
  } as unknown as PassingPorts;
  const crashPoint = () => {
    if (isFull()) throw new Error("disk full");
  };
  const options = { events: silentAggregatorEvents, damaged: () => undefined, crashPoint } as unknown;
  const passing = barrierPassing(ports, options as AggregatorOptions);
  const pass = (offset: number) => passing.pass(barrier, { offset, appendedAtMs: 0 } as LogFrame);
  return { passing, pass };
}

const meters = (count: number) =>
  Array.from({ length: count }, (_, no) => ({ ...meterState(`m-${no}`, "UTC"), pendingFrom: 2026 * 12 }));

test("a barrier that fails again and again does not move: what it makes again is not counted again", async () => {
  let isFull = true;
  const { passing, pass } = passingFor(
    () => meters(250),
    () => isFull,
  );
  for (let attempt = 0; attempt < 3; attempt += 1) {
    await expect(pass(7)).rejects.toThrow("disk full");
    expect(passing.evaluated).toBe(250);
  }
  isFull = false;
  await pass(7);
  expect(passing.evaluated).toBe(250);
  await pass(8);
  expect(passing.evaluated).toBe(500);
});

test("a barrier that fails behind what it has issued moves as soon as it gets further than before", async () => {
  const all = meters(15_000);
  let from = 0;
  let appends = 0;
  const { passing, pass } = passingFor(
    () => all.slice(from),
    () => {
      appends += 1;
      return appends === 2;
    },
  );
  await expect(pass(7)).rejects.toThrow("disk full");
  expect(passing.evaluated).toBe(10_000);
  from = 5000;
  await pass(7);
  expect(passing.evaluated).toBe(15_000);
});
