import { expect, test } from "vitest";
import { type GatePorts, issueGate } from "./issue-gate.ts";

const settleSeconds = 30;

function world(over: Partial<GatePorts> = {}) {
  const here = { nowMs: 0, position: 0, end: 0 };
  const ports: GatePorts = {
    ledger: { mayOpen: () => true, reopen: async () => "as it was" },
    clock: { nowMs: () => here.nowMs },
    logEnd: async () => here.end,
    position: () => here.position,
    ...over,
  };
  return { here, gate: issueGate(ports, settleSeconds) };
}

test("opens where nothing is in the log, and stays open while frames come and go", async () => {
  const { here, gate } = world();
  expect(await gate.isOpen()).toBe(true);
  here.end = 10;
  here.nowMs += 1000;
  expect(await gate.isOpen()).toBe(true);
});

test("shut, it waits for the end as it was then, and not for what comes after", async () => {
  const { here, gate } = world();
  await gate.isOpen();
  here.end = 10;
  gate.shut();
  expect(await gate.isOpen()).toBe(false);
  [here.end, here.position] = [1000, 10];
  expect(await gate.isOpen()).toBe(true);
});

test("under a load that holds up every look it opens again and again", async () => {
  const { here, gate } = world();
  let opened = 0;
  for (let look = 0; look < 20; look += 1) {
    here.nowMs += settleSeconds * 1000;
    here.end += 10;
    if (await gate.isOpen()) opened += 1;
    here.position = here.end - 5;
  }
  expect(opened).toBeGreaterThan(5);
});

test("a right that was taken back while the log did not answer is not used before it does", async () => {
  let asked = 0;
  const { here, gate } = world({
    ledger: { mayOpen: () => true, reopen: async () => (asked < 2 ? "taken back" : "as it was") },
    async logEnd() {
      asked += 1;
      if (asked === 2) throw new Error("the log is away");
      return asked === 1 ? 5 : 9;
    },
  });
  here.position = 5;
  await expect(gate.isOpen()).rejects.toThrow("the log is away");
  expect(await gate.isOpen()).toBe(false);
  here.position = 9;
  expect(await gate.isOpen()).toBe(true);
});
