import { describe, expect, test } from "vitest";
import { channelRows } from "../remember/channel-memory.ts";
import { adopt, type MeterState, meterState } from "../remember/meter-state.ts";
import { everything, pendingMeters } from "./pending-meters.ts";

const settleSeconds = 60;
const minute = 60_000;

function world() {
  let nowMs = Date.UTC(2026, 5, 15);
  let offset = 0;
  const pending = pendingMeters(
    settleSeconds,
    () => nowMs,
    () => nowMs,
  );
  const by = (aheadMs = 0) => ({ offset: offset++, appendedAtMs: nowMs + aheadMs });
  const [a, b, c] = [meterState("a", "UTC"), meterState("b", "UTC"), meterState("c", "UTC")];
  const gather = (meter: MeterState, from: number) => pending.gather(meter, from, by());
  const due = () => {
    const next = pending.nextDue(nowMs);
    return next === undefined ? [] : pending.due(next).map(({ meterId }) => meterId);
  };
  return {
    ...{ pending, a, b, c, due, gather, by },
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe("which meters wait to be recomputed", () => {
  test("one that gathers is due when it has been quiet for the settle time, not before", () => {
    const { gather, a, due, pass } = world();
    gather(a, 5);
    pass(minute - 1);
    expect(due()).toEqual([]);
    pass(1);
    expect(due()).toEqual(["a"]);
  });

  test.for<{ firstDay: string; waits: number }>([
    { firstDay: "2026-05-20", waits: 1 },
    { firstDay: "2026-06-02", waits: 0 },
  ])("an interval soon after a month's end matters where the meter's months began before it: $firstDay", (row) => {
    const { pending, by, a } = world();
    const channel = { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 900 } as const;
    const first = { at: Date.parse(`${row.firstDay}T12:00:00Z`) / 1000, value: 1, code: 0 };
    adopt(a, { no: 0, meterId: "a", channels: [{ ...channel, index: 0, first }] }, channelRows(), first.at);
    pending.reported(a, pending.affectedFrom(a, channel, Date.parse("2026-06-03T12:00:00Z") / 1000, 0), by());
    expect(pending.size).toBe(row.waits);
  });

  test("one that is changed again waits from then on, and others do not wait for it", () => {
    const { gather, a, b, due, pass } = world();
    gather(a, 5);
    gather(b, 5);
    pass(minute / 2);
    gather(a, 5);
    pass(minute / 2);
    expect(due()).toEqual(["b"]);
  });

  test("one whose record was appended later than now has been quiet since it came, and holds up no other", () => {
    const { pending, gather, by, a, b, due, pass } = world();
    pending.gather(a, 5, by(86_400_000));
    gather(b, 5);
    pass(minute - 1);
    expect(due()).toEqual([]);
    pass(1);
    expect(due()).toEqual(["a", "b"]);
  });

  test("when the clock is put back, what waits is quiet a settle time later", () => {
    const { gather, a, b, c, due, pass } = world();
    gather(a, 5);
    gather(b, 5);
    pass(-86_400_000);
    expect(due()).toEqual([]);
    gather(c, 5);
    pass(minute - 1);
    expect(due()).toEqual([]);
    pass(1);
    expect(due()).toEqual(["a", "b", "c"]);
  });

  test("the same when another's record comes first, stamped by a clock that is right", () => {
    const { pending, gather, by, a, b, due, pass } = world();
    gather(a, 5);
    pass(-60 * minute);
    pending.gather(b, 5, by(60 * minute + 500));
    expect(due()).toEqual([]);
    pass(minute - 1);
    expect(due()).toEqual([]);
    pass(1);
    expect(due()).toEqual(["a", "b"]);
  });

  test("one that never falls quiet is due after ten settle times", () => {
    const { gather, a, due, pass } = world();
    gather(a, 5);
    for (let half = 0; half < 19; half += 1) {
      pass(minute / 2);
      gather(a, 5);
    }
    pass(minute / 2 - 1);
    expect(due()).toEqual([]);
    pass(1);
    expect(due()).toEqual(["a"]);
  });

  test("one that never falls quiet is found behind others that are marked", () => {
    const { pending, gather, a, b, due, pass } = world();
    pending.mark(b, 5);
    gather(a, 5);
    pass(10 * minute);
    gather(a, 5);
    expect(due()).toEqual(["b", "a"]);
  });

  test("one that is marked is due at once, and stays so when readings come", () => {
    const { pending, gather, a, due } = world();
    pending.mark(a, 5);
    gather(a, 4);
    expect(due()).toEqual(["a"]);
    expect(a.pendingFrom).toBe(4);
  });

  test("one that gathers goes on doing so when it is marked", () => {
    const { pending, gather, a, due } = world();
    gather(a, 5);
    pending.mark(a, 3);
    expect(due()).toEqual([]);
    expect(a.pendingFrom).toBe(3);
  });

  test("a barrier issues those that are ready and those that nothing has changed since, and a later one the others", () => {
    const { pending, a, b, c } = world();
    pending.mark(a, 5);
    pending.gather(b, 5, { offset: 7, appendedAtMs: 0 });
    pending.gather(c, 5, { offset: 9, appendedAtMs: 0 });
    const ids = (quietBefore: number) => pending.due({ quietBefore, readyThrough: null }).map(({ meterId }) => meterId);
    expect([ids(0), ids(7), ids(8), ids(10), ids(everything)]).toEqual([
      ["a"],
      ["a"],
      ["a", "b"],
      ["a", "b", "c"],
      ["a", "b", "c"],
    ]);
  });

  test("the least number that is out moves as the meters before it are done", () => {
    const { pending, gather, a, b } = world();
    gather(a, 5);
    pending.mark(b, 5);
    expect([pending.size, pending.oldestQueueNumber, pending.nextQueueNumber]).toEqual([2, 1, 3]);
    pending.done([a]);
    expect([pending.size, pending.oldestQueueNumber]).toEqual([1, 2]);
    pending.done([b]);
    expect([pending.size, pending.oldestQueueNumber]).toEqual([0, 3]);
    expect(a.pendingFrom).toBeUndefined();
  });

  test("what waited waits on in a memory that has begun anew", () => {
    const { pending, gather, a, b, due, pass } = world();
    pending.mark(a, 5);
    gather(b, 6);
    const again = new Map(["a", "b"].map((id) => [id, meterState(id, "UTC")]));
    pending.moveTo((id) => again.get(id) ?? meterState(id, "UTC"));
    expect(due()).toEqual(["a"]);
    pass(minute);
    expect(due()).toEqual(["a", "b"]);
    expect(again.get("b")?.pendingFrom).toBe(6);
  });

  test("a swept fleet is issued in parts, each of which says up to which meter it goes", () => {
    const nowMs = () => Date.UTC(2026, 5, 15);
    const pending = pendingMeters(settleSeconds, nowMs, nowMs);
    const ids = Array.from({ length: 12_000 }, (_, no) => `m-${String(no).padStart(5, "0")}`);
    const sweep = (some: readonly string[]) =>
      pending.markAll(
        some.map((id) => meterState(id, "UTC")),
        5,
      );
    sweep(ids.slice(6000));
    sweep(ids.slice(0, 6000));
    pending.mark(meterState("z", "UTC"), 5);
    const parts: string[][] = [];
    for (let next = pending.nextDue(0); next !== undefined; next = pending.nextDue(0)) {
      const due = pending.due(next);
      parts.push(due.map(({ meterId }) => meterId));
      pending.done(due);
    }
    expect(parts.map(({ length }) => length)).toEqual([5001, 5000, 2000]);
    expect(parts.flat().sort()).toEqual([...ids, "z"]);
  });

  test("choosing a swept fleet costs the same for each meter, however many wait", () => {
    const secondsFor = (count: number) => {
      const nowMs = () => Date.UTC(2026, 5, 15);
      const pending = pendingMeters(settleSeconds, nowMs, nowMs);
      const ids = Array.from({ length: count }, (_, no) => `m-${String(no).padStart(7, "0")}`);
      pending.markAll(
        ids.map((id) => meterState(id, "UTC")),
        5,
      );
      const started = process.cpuUsage();
      for (let next = pending.nextDue(0); next !== undefined; next = pending.nextDue(0))
        pending.done(pending.due(next));
      const { user, system } = process.cpuUsage(started);
      return (user + system) / 1_000_000;
    };
    secondsFor(20_000);
    // Quadratic choosing took 3.2 s on a quiet machine and 32.7 s on a busy one.
    expect(secondsFor(200_000)).toBeLessThan(1.5);
  });
});
