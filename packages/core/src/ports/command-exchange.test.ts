import { expect, test } from "vitest";
import type { AskedCommand, CommandReply } from "./command-exchange.ts";
import { commandAsking, commandServing } from "./command-exchange.ts";

const command = { kind: "close-period", period: 24_321 } as const;
const clock = { nowMs: () => 1000 };
const none = { evaluated: 0, issued: 0, inPeriod: 0, heldBack: 0, waiting: 0 };
const nothing = { partitions: [0], ...none };

function asked(id: string, over: Partial<AskedCommand> = {}): AskedCommand {
  return { id, command, expiresAtMs: 2000, ...over };
}

test("a command that comes twice is carried out once, and one that nobody waits for is not", async () => {
  const replies: CommandReply[] = [];
  const serving = commandServing(
    async () => nothing,
    (reply) => void replies.push(reply),
    clock,
  );
  for (const one of [asked("a"), asked("a"), asked("b", { expiresAtMs: 999 }), asked("c")]) serving.take(one);
  await expect.poll(() => replies.map(({ id }) => id)).toEqual(["a", "c"]);
});

test("what waits is bounded, and what is too much is told", async () => {
  const replies: CommandReply[] = [];
  const never = new Promise<typeof nothing>(() => undefined);
  const serving = commandServing(
    () => never,
    (reply) => void replies.push(reply),
    clock,
  );
  for (let id = 0; id < 102; id += 1) serving.take(asked(`${id}`));
  expect(replies).toMatchObject([
    { id: "100", kind: "failed", detail: "100 commands wait already" },
    { id: "101", kind: "failed" },
  ]);
});

test("an aggregator's second reply does not count", async () => {
  const asking = commandAsking(2, clock);
  const reply = { id: "", from: "x", kind: "done" as const };
  const outcome = asking.ask(command, 5000, ({ id }) => {
    asking.take({ ...reply, id, carriedOut: { ...nothing, evaluated: 1, issued: 2, heldBack: 3 } });
    asking.take({ ...reply, id, carriedOut: { ...nothing, partitions: [0, 1], evaluated: 5, issued: 5 } });
    asking.take({
      ...reply,
      id,
      from: "y",
      carriedOut: { ...nothing, partitions: [1], evaluated: 10, issued: 20, waiting: 1 },
    });
  });
  expect(await outcome).toEqual({ evaluated: 11, issued: 22, inPeriod: 0, heldBack: 3, waiting: 1 });
});

test("a partition whose owner is gone is answered for by the next one, who is asked again", async () => {
  const asking = commandAsking(2, clock, 20);
  const ids = new Set<string>();
  const reply = { kind: "done" as const };
  const outcome = asking.ask(command, 5000, ({ id }) => {
    ids.add(id);
    const partitions = ids.size < 3 ? [0] : [0, 1];
    asking.take({
      ...reply,
      id,
      from: "x",
      carriedOut: { ...nothing, partitions, evaluated: ids.size, issued: 1, heldBack: 1 },
    });
  });
  // What is held back and what waits is how things stand, and not a sum over the times that one was asked.
  expect(await outcome).toEqual({ ...none, evaluated: 6, issued: 3, heldBack: 1 });
  expect(ids.size).toBe(3);
});

test("a command that cannot be published rejects at once", async () => {
  const asking = commandAsking(1, clock);
  await expect(asking.ask(command, 5000, () => Promise.reject(new Error("Kafka is away")))).rejects.toThrow("away");
});
