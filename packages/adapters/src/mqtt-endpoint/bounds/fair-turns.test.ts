// Goal: connections that take much of the thread wait for each other, but not without need; those that take little do
// not wait (H09, H10).
// Method: a clock that is moved by hand, a connection as a list of packets that cost time, and turns of the loop that
// are run by hand.
import { expect, test } from "vitest";
import { fairTurns, newTurn, type Turn } from "./fair-turns.ts";

function world() {
  let nowMs = 1_000;
  const scheduled: (() => void)[] = [];
  const turns = fairTurns(
    () => nowMs,
    (run) => void scheduled.push(run),
  );
  const served: string[] = [];

  function connection(name: string) {
    let packetsMs: number[] = [];
    const turn: Turn = newTurn(go, nowMs);
    function go(): void {
      if (!turns.begin(turn)) return;
      for (let ms = packetsMs.shift(); ms !== undefined; ms = packetsMs.shift()) {
        nowMs += ms;
        served.push(name);
        if (packetsMs.length > 0 && turns.isOver()) break;
      }
      turns.end();
    }
    return {
      send(...costsMs: readonly number[]) {
        packetsMs = [...packetsMs, ...costsMs];
        go();
      },
      left: () => packetsMs.length,
      gone: () => turns.forget(turn),
    };
  }

  return {
    connection,
    served,
    pass(ms: number) {
      nowMs += ms;
    },
    now: () => nowMs,
    loop: () => scheduled.splice(0).forEach((run) => run()),
  };
}

const many = (count: number, ms: number) => Array.from({ length: count }, () => ms);

test("a flood alone is served without end, in turns of the loop", () => {
  const { connection, loop } = world();
  const flood = connection("flood");
  flood.send(...many(1_000, 0.1));
  expect(flood.left()).toBeGreaterThan(900);
  let loops = 0;
  for (; flood.left() > 0 && loops < 100; loops += 1) loop();
  expect(loops).toBeLessThan(25);
});

test("in each turn of the loop floods have some milliseconds together, and a meter is served at once between", () => {
  const { connection, served, pass, now, loop } = world();
  const meter = connection("meter");
  pass(600);
  const floods = many(20, 0).map((_, n) => connection(`flood ${n}`));
  for (const flood of floods) flood.send(...many(1_000, 0.1));
  loop();
  for (let round = 0; round < 50; round += 1) {
    const beforeMs = now();
    loop();
    expect(now() - beforeMs).toBeLessThan(10);
    meter.send(0.1);
    expect(served.at(-1)).toBe("meter");
    pass(100);
  }
  const counts = floods.map((_, n) => served.filter((name) => name === `flood ${n}`).length);
  expect(Math.min(...counts)).toBeGreaterThan(Math.max(...counts) / 2);
});

test("who is new has to earn that it is served at once, and who has gone is not called", () => {
  const { connection, served, pass, loop } = world();
  const flood = connection("flood");
  flood.send(...many(1_000, 0.1));
  const fresh = connection("fresh");
  fresh.send(0.1);
  expect(served).not.toContain("fresh");
  loop();
  expect(served).toContain("fresh");
  pass(600);
  fresh.send(0.1);
  expect(served.at(-1)).toBe("fresh");
  flood.gone();
  const before = served.length;
  loop();
  expect(served.slice(before)).toEqual([]);
});
