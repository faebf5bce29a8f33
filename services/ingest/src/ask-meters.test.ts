import type { Asking, MeterGaps } from "@meterbook/core/domain/gap/meter-gaps";
import type { AskOutcome, MeterRequest } from "@meterbook/core/ports/meter-endpoint";
import { expect, onTestFinished, test, vi } from "vitest";
import { type AskOptions, askMeters } from "./ask-meters.ts";
import { askQueue } from "./ask-queue.ts";

function asked(meterId: string, id = `${meterId}/1`, over: Partial<Asking> = {}): MeterGaps {
  const range = {
    register: "1.8.0",
    kind: "interval",
    unit: "Wh",
    stepSeconds: 900,
    from: 900,
    to: 1800,
    goesOn: false,
  };
  const asking = { id, atMs: 0, times: 1, rank: 0, state: "asked", ranges: [range], ...over } as Asking;
  return { meterId, usagePointId: meterId, zone: "Europe/Kyiv", gaps: [], sequence: null, asking };
}

const unasked = (meterId: string): MeterGaps => ({ ...asked(meterId), asking: null });

async function world(first: readonly MeterGaps[], over: Partial<AskOptions> & { keepsRequests?: boolean } = {}) {
  const { keepsRequests = false, ...options } = over;
  const records = new Map(first.map((one) => [one.meterId, one]));
  const told: string[] = [];
  const clock = { ms: 0 };
  let outcome: AskOutcome = "sent";
  let changed = async (_records: readonly MeterGaps[]): Promise<void> => undefined;
  const asking = await askMeters(
    {
      clock: { nowMs: () => clock.ms },
      gaps: {
        get: async (meterId) => records.get(meterId),
        async follow(given) {
          changed = given;
          await given([...records.values()]);
          return { close: async () => undefined };
        },
      },
      endpoint: {
        keepsRequests,
        async ask({ meterId, json }: MeterRequest) {
          const { id } = JSON.parse(Buffer.from(json).toString());
          told.push(`${id} ${outcome}`);
          expect(id.startsWith(meterId)).toBe(true);
          return outcome;
        },
        async withdraw(meterId) {
          told.push(`${meterId} withdrawn`);
          return "done";
        },
      },
    },
    {
      ...{ perSecond: 1000, repeatMs: 60_000 },
      events: { meterAsked: () => undefined, askFailed: ({ error }) => expect.unreachable(String(error)) },
      ...options,
    },
  );
  onTestFinished(() => asking.close());
  return {
    told,
    clock,
    asking,
    async change(...more: readonly MeterGaps[]) {
      for (const one of more) records.set(one.meterId, one);
      await changed(more);
    },
    say(next: AskOutcome) {
      outcome = next;
    },
  };
}

test("a meter is asked when it is ordered, and when it begins to listen, but not the same again and again", async () => {
  const { told, asking, clock, change, say } = await world([]);
  say("nobody");
  await change(asked("m-1"));
  await vi.waitFor(() => expect(told).toEqual(["m-1/1 nobody"]));
  say("sent");
  asking.listening("m-1");
  await vi.waitFor(() => expect(told).toEqual(["m-1/1 nobody", "m-1/1 sent"]));
  asking.listening("m-1");
  await change(asked("m-1", "m-1/2"));
  await vi.waitFor(() => expect(told.slice(2)).toEqual(["m-1/2 sent"]));
  asking.listening("m-1");
  asking.listening("m-2");
  await change(asked("m-3"));
  await vi.waitFor(() => expect(told.slice(3)).toEqual(["m-3/1 sent"]));
  clock.ms += 60_000;
  asking.listening("m-1");
  await vi.waitFor(() => expect(told.slice(4)).toEqual(["m-1/2 sent"]));
});

test("no more is sent in a second than the setting says, most needed first", async () => {
  const ranks = [2, 1, 2, 0, 1];
  const { told } = await world(
    ranks.map((rank, n) => asked(`m-${n}`, `m-${n}/${rank}`, { rank })),
    { perSecond: 20 },
  );
  const startedMs = performance.now();
  await vi.waitFor(() => expect(told.length).toBe(5), { interval: 5 });
  expect(told.map((one) => one.slice(4, 5))).toEqual(["0", "1", "1", "2", "2"]);
  // Two each tenth of a second, and none before the first.
  expect(performance.now() - startedMs).toBeGreaterThan(150);
});

test("what cannot be sent now is sent when there is a way again", async () => {
  const { told, change, say } = await world([]);
  say("away");
  await change(asked("m-1"));
  await vi.waitFor(() => expect(told.length).toBeGreaterThan(1));
  say("sent");
  await vi.waitFor(() => expect(told.at(-1)).toBe("m-1/1 sent"));
});

test("what waits at a broker is taken away when it is asked no more; our own endpoint keeps nothing", async () => {
  const broker = await world([asked("m-1"), unasked("m-2")], { keepsRequests: true });
  await vi.waitFor(() => expect(broker.told).toEqual(["m-1/1 sent", "m-2 withdrawn"]));
  await broker.change(unasked("m-1"));
  await vi.waitFor(() => expect(broker.told.at(-1)).toBe("m-1 withdrawn"));
  const own = await world([unasked("m-2"), asked("m-1", "m-1/1", { state: "ended" }), asked("m-3")]);
  await vi.waitFor(() => expect(own.told).toEqual(["m-3/1 sent"]));
});

test("0 asks nobody", async () => {
  const { told, asking, change } = await world([asked("m-1")], { perSecond: 0 });
  await change(asked("m-2"));
  asking.listening("m-1");
  expect(told).toEqual([]);
});

test("each meter waits once, at its most urgent place", () => {
  let dropped = 0;
  const queue = askQueue({ dropped: () => (dropped += 1) });
  queue.add("late", 2);
  queue.add("soon", 1);
  queue.add("late", 0);
  queue.add("late", 2);
  queue.add("soon", 9);
  expect([queue.take(), queue.take(), queue.take(), dropped]).toEqual(["late", "soon", undefined, 0]);
});
