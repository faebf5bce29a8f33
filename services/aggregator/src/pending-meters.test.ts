import { describe, expect, test } from "vitest";
import { channelRows } from "./channel-rows.ts";
import { adopt, meterState } from "./meter-state.ts";
import { pendingMeters } from "./pending-meters.ts";

const settleSeconds = 60;
const minute = 60_000;

function world() {
  let nowMs = Date.UTC(2026, 5, 15);
  const pending = pendingMeters(settleSeconds, () => nowMs);
  const [a, b, c] = [meterState("a", "UTC"), meterState("b", "UTC"), meterState("c", "UTC")];
  const due = (limit = 10) => pending.due(limit, false).map(({ meterId }) => meterId);
  return {
    ...{ pending, a, b, c, due },
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe("which meters wait to be recomputed", () => {
  test("one that gathers is due when it has been quiet for the settle time, not before", () => {
    const { pending, a, due, pass } = world();
    pending.gather(a, 5);
    pass(minute - 1);
    expect(due()).toEqual([]);
    pass(1);
    expect(due()).toEqual(["a"]);
  });

  test.for<{ firstDay: string; waits: number }>([
    { firstDay: "2026-05-20", waits: 1 },
    { firstDay: "2026-06-02", waits: 0 },
  ])("an interval soon after a month's end matters where the book began before it: $firstDay", (row) => {
    const { pending, a } = world();
    const channel = { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 900 } as const;
    const first = { at: Date.parse(`${row.firstDay}T12:00:00Z`) / 1000, value: 1, code: 0 };
    adopt(a, { no: 0, meterId: "a", channels: [{ ...channel, index: 0, first }] }, channelRows(), first.at);
    pending.touched(a, channel, Date.parse("2026-06-03T12:00:00Z") / 1000, 0);
    expect(pending.size).toBe(row.waits);
  });

  test("one that is touched again waits from then on, and others do not wait for it", () => {
    const { pending, a, b, due, pass } = world();
    pending.gather(a, 5);
    pending.gather(b, 5);
    pass(minute / 2);
    pending.gather(a, 5);
    pass(minute / 2);
    expect(due()).toEqual(["b"]);
  });

  test("one that never falls quiet is due after ten settle times", () => {
    const { pending, a, due, pass } = world();
    pending.gather(a, 5);
    for (let half = 0; half < 19; half += 1) {
      pass(minute / 2);
      pending.gather(a, 5);
    }
    pass(minute / 2 - 1);
    expect(due()).toEqual([]);
    pass(1);
    expect(due()).toEqual(["a"]);
  });

  test("one that never falls quiet is found behind others that are marked", () => {
    const { pending, a, b, due, pass } = world();
    pending.mark(b, 5);
    pending.gather(a, 5);
    pass(10 * minute);
    pending.gather(a, 5);
    expect(due()).toEqual(["b", "a"]);
  });

  test("one that is marked is due at once, and stays so when readings come", () => {
    const { pending, a, due } = world();
    pending.mark(a, 5);
    pending.gather(a, 4);
    expect(due()).toEqual(["a"]);
    expect(a.pendingFrom).toBe(4);
  });

  test("one that gathers goes on doing so when it is marked", () => {
    const { pending, a, due } = world();
    pending.gather(a, 5);
    pending.mark(a, 3);
    expect(due()).toEqual([]);
    expect(a.pendingFrom).toBe(3);
  });

  test("no more are handed out than asked for, each once, and all where all are asked for", () => {
    const { pending, a, b, c, due, pass } = world();
    pending.mark(a, 5);
    pending.gather(b, 5);
    pass(10 * minute);
    pending.gather(c, 5);
    expect(due(1)).toEqual(["a"]);
    expect(due()).toEqual(["a", "b"]);
    expect(pending.due(10, true).map(({ meterId }) => meterId)).toEqual(["a", "b", "c"]);
  });

  test("the least ticket that is out moves as the meters before it are done", () => {
    const { pending, a, b } = world();
    pending.gather(a, 5);
    pending.mark(b, 5);
    expect([pending.size, pending.oldestTicket, pending.nextTicket]).toEqual([2, 1, 3]);
    pending.done([a]);
    expect([pending.size, pending.oldestTicket]).toEqual([1, 2]);
    pending.done([b]);
    expect([pending.size, pending.oldestTicket]).toEqual([0, 3]);
    expect(a.pendingFrom).toBeUndefined();
  });

  test("what waited waits on in a book that was opened again", () => {
    const { pending, a, b, due, pass } = world();
    pending.mark(a, 5);
    pending.gather(b, 6);
    const again = new Map(["a", "b"].map((id) => [id, meterState(id, "UTC")]));
    pending.moveTo((id) => again.get(id) ?? meterState(id, "UTC"));
    expect(due()).toEqual(["a"]);
    pass(minute);
    expect(due()).toEqual(["a", "b"]);
    expect(again.get("b")?.pendingFrom).toBe(6);
  });

  test("choosing a swept fleet costs the same for each meter, however many wait", () => {
    const secondsFor = (count: number) => {
      const pending = pendingMeters(settleSeconds, () => Date.UTC(2026, 5, 15));
      for (let no = 0; no < count; no += 1) pending.mark(meterState(`m-${no}`, "UTC"), 5);
      const started = performance.now();
      for (let meters = pending.due(200, false); meters.length > 0; meters = pending.due(200, false)) {
        pending.done(meters);
        expect(pending.oldestTicket).toBeGreaterThan(200);
      }
      return (performance.now() - started) / 1000;
    };
    secondsFor(20_000);
    // Quadratic choosing took 3.2 s on a quiet machine and 32.7 s on a busy one, this takes 0.3 s.
    expect(secondsFor(200_000)).toBeLessThan(1.5);
  });
});
