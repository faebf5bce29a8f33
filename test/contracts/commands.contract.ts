import type { CarriedOut, Command, Commands } from "@meterbook/core/ports/commands";
import { expect, onTestFinished, test } from "vitest";

type End = Commands & { close(): Promise<void> };

export interface CommandsUnderTest {
  /** Another process's end of the same commands, over a readings log of so many partitions. */
  open(partitions: number): Promise<End>;
}

const command = { kind: "close-period", period: 24_321 } as const;
const timeoutMs = 10_000;
const nothing = { evaluated: 0, issued: 0, inPeriod: 0, heldBack: 0, waiting: 0 };

/** What the port promises (packages/core/src/ports/commands.ts). Every adapter runs it. */
export function commandsContract(make: () => Promise<CommandsUnderTest>): void {
  async function ends(partitions: number, aggregators: number): Promise<{ api: End; aggregators: End[] }> {
    const under = await make();
    const all = await Promise.all(Array.from({ length: aggregators + 1 }, () => under.open(partitions)));
    onTestFinished(async () => void (await Promise.all(all.map((end) => end.close()))));
    const [api, ...others] = all;
    return { api: api as End, aggregators: others };
  }

  async function serveEach(
    aggregators: readonly End[],
    carryOut: (command: Command, index: number) => Promise<CarriedOut>,
  ): Promise<void> {
    for (const [index, end] of aggregators.entries()) {
      const subscription = await end.serve((given) => carryOut(given, index));
      onTestFinished(() => subscription.close());
    }
  }

  test("resolves with what the aggregator did, after it did it", async () => {
    const { api, aggregators } = await ends(1, 1);
    const carriedOut: unknown[] = [];
    await serveEach(aggregators, async (given) => {
      await new Promise((resolve) => setImmediate(resolve));
      carriedOut.push(given);
      return { partitions: [0], evaluated: 3, issued: 2, inPeriod: 1, heldBack: 4, waiting: 5 };
    });
    expect(await api.send(command, { timeoutMs })).toEqual({
      evaluated: 3,
      issued: 2,
      inPeriod: 1,
      heldBack: 4,
      waiting: 5,
    });
    expect(carriedOut).toEqual([command]);
  });

  test("sums over aggregators, once every partition is among the answers", async () => {
    const { api, aggregators } = await ends(4, 3);
    const parts = [[0, 3], [2], [1]];
    await serveEach(aggregators, async (_, index) => {
      const [evaluated, issued] = [10 ** index, 2 * 10 ** index];
      return { partitions: parts[index] ?? [], evaluated, issued, inPeriod: issued, heldBack: evaluated, waiting: 1 };
    });
    expect(await api.send(command, { timeoutMs })).toEqual({
      ...{ evaluated: 111, issued: 222, inPeriod: 222, heldBack: 111, waiting: 3 },
    });
  });

  test("names the partitions that nobody has answered for in time", async () => {
    const { api, aggregators } = await ends(8, 2);
    const all = Array.from({ length: 8 }, (_, partition) => partition);
    await serveEach(aggregators, async ({ period }, index) => {
      return { partitions: period === 0 ? all : [index, index + 4], ...nothing, evaluated: 1 };
    });
    await api.send({ ...command, period: 0 }, { timeoutMs });
    await expect(api.send(command, { timeoutMs: 700 })).rejects.toThrow("partitions 2 to 3, 6 to 7 within 700 ms");
  });

  test("rejects when nobody is there", async () => {
    const { api } = await ends(1, 0);
    await expect(api.send(command, { timeoutMs: 50 })).rejects.toThrow("partition 0 within 50 ms");
  });

  test("rejects when an aggregator fails, with its reason", async () => {
    const { api, aggregators } = await ends(2, 2);
    await serveEach(aggregators, async (_, index) => {
      if (index === 1) throw new Error("no room");
      return { partitions: [0], ...nothing, evaluated: 1 };
    });
    await expect(api.send(command, { timeoutMs })).rejects.toThrow("no room");
  });

  test("two commands at once do not mix, and an aggregator carries them out one after the other", async () => {
    const { api, aggregators } = await ends(2, 2);
    let running = 0;
    await serveEach(aggregators.slice(0, 1), async ({ period }) => {
      running += 1;
      expect(running).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return { partitions: [0], ...nothing, evaluated: period };
    });
    await serveEach(aggregators.slice(1), async ({ period }) => ({ partitions: [1], ...nothing, issued: period }));
    const periods = [24_321, 24_322, 24_323];
    const outcomes = await Promise.all(periods.map((period) => api.send({ ...command, period }, { timeoutMs })));
    expect(outcomes).toEqual(periods.map((period) => ({ ...nothing, evaluated: period, issued: period })));
  });

  test("an aggregator that comes later does not carry out what was asked before", async () => {
    const { api, aggregators } = await ends(1, 1);
    await expect(api.send(command, { timeoutMs: 50 })).rejects.toThrow("50 ms");
    const carriedOut: number[] = [];
    await serveEach(aggregators, async ({ period }) => {
      carriedOut.push(period);
      return { partitions: [0], ...nothing };
    });
    await api.send({ ...command, period: 24_322 }, { timeoutMs });
    expect(carriedOut).toEqual([24_322]);
  });
}
