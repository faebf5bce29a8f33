import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { standingProblems } from "./standing-problems.ts";
import { watchDependency } from "./watch-dependency.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function lines() {
  const said: string[] = [];
  const say = (fields: Readonly<Record<string, unknown>>, message: string) =>
    void said.push(`${message} ${fields["problem"]}`);
  return { said, log: { info: say, warn: say } };
}

// D05: InfluxDB frozen, and ready for 91 s.
test("a dependency that hangs is a problem within 5 s, and none when it answers again", async () => {
  const { said, log } = lines();
  const standing = standingProblems({ log });
  let frozen: PromiseWithResolvers<void> | undefined;
  const watch = watchDependency(standing, {
    name: "store",
    says: "the store does not answer",
    probe: async () => frozen?.promise,
  });
  await vi.advanceTimersByTimeAsync(3000);
  expect(standing.current()).toEqual([]);
  frozen = Promise.withResolvers<void>();
  await vi.advanceTimersByTimeAsync(5000);
  expect(standing.current()).toEqual(["the store does not answer: no answer in 2500 ms"]);
  frozen.resolve();
  frozen = undefined;
  await vi.advanceTimersByTimeAsync(1000);
  expect(standing.current()).toEqual([]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(said).toHaveLength(2);
  watch.close();
});

// D04: 400 lines with stacks for one token.
test("a dependency that refuses is one line when it begins and one when it ends", async () => {
  const { said, log } = lines();
  const standing = standingProblems({ log });
  let token = "good";
  const watch = watchDependency(standing, {
    name: "store",
    says: "the store does not answer",
    async probe() {
      if (token === "bad") throw new Error("401", { cause: new Error("unauthorized\n at some place") });
    },
  });
  token = "bad";
  await vi.advanceTimersByTimeAsync(60_000);
  expect(standing.current()).toEqual(["the store does not answer: 401: unauthorized"]);
  token = "good";
  await vi.advanceTimersByTimeAsync(60_000);
  expect(standing.current()).toEqual([]);
  expect(said).toEqual(["Not ready: something keeps the service from its work. store", "That is over. store"]);
  watch.close();
});

test("a single failure is no problem, and what comes and goes is one episode", async () => {
  const { said, log } = lines();
  const standing = standingProblems({ log });
  let count = 0;
  const watch = watchDependency(standing, {
    name: "store",
    says: "the store does not answer",
    async probe() {
      count += 1;
      if (count % 2 === 0) throw new Error("reset");
    },
  });
  await vi.advanceTimersByTimeAsync(20_000);
  expect(said).toEqual([]);
  watch.close();
  for (let round = 0; round < 10; round += 1) {
    standing.raise("writes", "refused");
    standing.clear("writes");
    await vi.advanceTimersByTimeAsync(1000);
  }
  await vi.advanceTimersByTimeAsync(10_000);
  expect(said).toHaveLength(2);
});
