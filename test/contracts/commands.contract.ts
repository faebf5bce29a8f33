import type { Commands } from "@meterbook/core/ports/commands";
import { expect, onTestFinished, test } from "vitest";

export interface CommandsUnderTest {
  /** Another process's end of the same commands. */
  open(): Promise<Commands & { close(): Promise<void> }>;
}

const command = { kind: "close-period", period: 24_321 } as const;

/** What the port promises (packages/core/src/ports/commands.ts). Every adapter runs it. */
export function commandsContract(make: () => Promise<CommandsUnderTest>): void {
  async function bothEnds() {
    const under = await make();
    const [api, aggregator] = [await under.open(), await under.open()];
    onTestFinished(async () => {
      await api.close();
      await aggregator.close();
    });
    return { api, aggregator };
  }

  test("resolves with what the aggregator did, after it did it", async () => {
    const { api, aggregator } = await bothEnds();
    const carriedOut: unknown[] = [];
    await aggregator.serve(async (given) => {
      await new Promise((resolve) => setImmediate(resolve));
      carriedOut.push(given);
      return { evaluated: 3, issued: 2 };
    });
    expect(await api.send(command, { timeoutMs: 5000 })).toEqual({ evaluated: 3, issued: 2 });
    expect(carriedOut).toEqual([command]);
  });

  test("rejects when the aggregator fails, with its reason", async () => {
    const { api, aggregator } = await bothEnds();
    await aggregator.serve(async () => {
      throw new Error("no room");
    });
    await expect(api.send(command, { timeoutMs: 5000 })).rejects.toThrow("no room");
  });

  test("rejects when nobody answers in time", async () => {
    const { api } = await bothEnds();
    await expect(api.send(command, { timeoutMs: 50 })).rejects.toThrow("50 ms");
  });
}
