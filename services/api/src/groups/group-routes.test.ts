import { dayEdges, emptyRegisterDay, type RegisterDay } from "@meterbook/core/domain/group/day-sums";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import { encodeRegisterDay } from "@meterbook/core/records/sums/register-day-record";
import { expect, test } from "vitest";
import { instant, intervalSeries, registerSeries } from "../../../../test/support/readings.ts";
import { apiWorld, aRegisterSnapshot, aSnapshot, injectableApi } from "../../../../test/support/worlds/api-world.ts";
import {
  type MemoryGroup,
  memoryGroupSums,
  memorySeries,
  memorySnapshots,
} from "../../../../test/support/worlds/memory-ports.ts";

const calendar = localCalendar("Europe/Kyiv");
const day = calendar.dayOf(instant("2026-10-25T12:00:00Z"));
const next = calendar.addDays(day, 1);
const range = "from=2026-10-24T21:00:00Z&to=2026-10-26T22:00:00Z";

/** One amount in each quarter hour of a day, of so many of the meters that are expected. */
function sums(of: number, quarter: number, { expected = 2, present = 2, estimated = 0 } = {}) {
  const edges = dayEdges(calendar, of);
  const made: RegisterDay = emptyRegisterDay("1.8.0", "Wh", edges);
  made.expected = expected;
  for (const [resolution, steps] of Object.entries(made.steps)) {
    const own = edges.edges[resolution as "P1D"];
    for (let step = 0; step < steps.present.length; step += 1) {
      const quarters = ((own[step + 1] as number) - (own[step] as number)) / 900;
      steps.present[step] = present;
      steps.estimated[step] = estimated;
      steps.consumption[step] = present === 0 ? 0 : quarter * quarters;
    }
  }
  return { day: of, unit: "Wh" as const, sums: encodeRegisterDay(made) };
}

async function apiWith(groups: Record<string, MemoryGroup>) {
  return injectableApi(apiWorld({ groupSums: memoryGroupSums(groups) }));
}

test("a group's curve adds up its partitions, and a day of 25 hours is one", async () => {
  const days = [sums(day, 10), sums(day, 1, { expected: 3, present: 2, estimated: 1 }), sums(next, 4)];
  const app = await apiWith({ "feeder:F1": { meters: 5, days: { "1.8.0": days } } });
  const answer = await app.inject(`/v1/groups/feeder:F1/curve?register=1.8.0&${range}&resolution=P1D`);
  expect(answer.json()).toEqual({
    ...{ groupId: "feeder:F1", kind: "feeder", name: "F1", meters: 5, register: "1.8.0", unit: "Wh" },
    ...{ resolution: "P1D", zone: "Europe/Kyiv", pending: 0 },
    items: [
      {
        ...{ from: "2026-10-24T21:00:00Z", to: "2026-10-25T22:00:00Z" },
        ...{ consumption: 1100, expected: 5, present: 4, estimated: 1 },
      },
      {
        ...{ from: "2026-10-25T22:00:00Z", to: "2026-10-26T22:00:00Z" },
        ...{ consumption: 384, expected: 2, present: 2, estimated: 0 },
      },
    ],
  });
  const hours = await app.inject(`/v1/groups/feeder:F1/curve?register=1.8.0&${range}`);
  expect(hours.json().items).toHaveLength(49);
  const month = await app.inject(`/v1/groups/feeder:F1/curve?register=1.8.0&${range}&resolution=P1M`);
  expect(month.json().items).toEqual([
    {
      ...{ from: "2026-09-30T21:00:00Z", to: "2026-10-31T22:00:00Z" },
      ...{ consumption: 1484, expected: 7, present: 6, estimated: 1 },
    },
  ]);
  const csv = await app.inject(`/v1/groups/feeder:F1/curve?register=1.8.0&${range}&resolution=P1D&format=csv`);
  expect(csv.body.split("\n")[1]).toBe("feeder:F1,1.8.0,Wh,2026-10-24T21:00:00Z,2026-10-25T22:00:00Z,1100,5,4,1");
});

test("what nobody knows is null and not 0, and a register without sums is told", async () => {
  const app = await apiWith({ fleet: { days: { "1.8.0": [sums(day, 10, { present: 0 })] } } });
  const answer = await app.inject(`/v1/groups/fleet/curve?register=1.8.0&${range}&resolution=P1D`);
  expect(answer.json().items.map((point: { consumption: unknown }) => point.consumption)).toEqual([null, null]);
  const unknown = await app.inject(`/v1/groups/fleet/curve?register=2.8.0&${range}`);
  expect([unknown.statusCode, unknown.json().code]).toEqual([404, "register_unknown"]);
  for (const id of ["feeder:F9", "nobody", "group:"])
    expect((await app.inject(`/v1/groups/${id}/curve?register=1.8.0&${range}`)).json().code).toBe("group_unknown");
  const long = "from=2020-10-24T21:00:00Z&to=2026-10-26T22:00:00Z&resolution=PT1H";
  expect((await app.inject(`/v1/groups/fleet/curve?register=1.8.0&${long}`)).json().code).toBe("range_too_long");
});

test("a curve that has not changed is not sent again", async () => {
  const app = await apiWith({ fleet: { days: { "1.8.0": [sums(day, 10)] } } });
  const url = `/v1/groups/fleet/curve?register=1.8.0&${range}&resolution=P1D`;
  const { etag = "" } = (await app.inject(url)).headers;
  const again = await app.inject({ url, headers: { "if-none-match": etag } });
  expect([again.statusCode, again.body]).toEqual([304, ""]);
});

test("groups are listed by kind, page by page", async () => {
  const app = await apiWith({
    "feeder:F1": { meters: 2, days: {} },
    "feeder:F2": { meters: 3, days: {} },
    "supplier:S": { meters: 5, days: { "1.8.0": [] } },
  });
  const first = (await app.inject("/v1/groups?kind=feeder&limit=1")).json();
  expect(first.items).toEqual([{ groupId: "feeder:F1", kind: "feeder", name: "F1", meters: 2 }]);
  const second = (await app.inject(`/v1/groups?kind=feeder&limit=1&cursor=${first.nextCursor}`)).json();
  expect(second).toEqual({ items: [{ groupId: "feeder:F2", kind: "feeder", name: "F2", meters: 3 }] });
  expect((await app.inject("/v1/groups/supplier:S")).json()).toMatchObject({ meters: 5, registers: ["1.8.0"] });
});

test("the losses of a feeder have a band where meters are missing, and none where its own meter is", async () => {
  const app = await apiWith({
    "feeder:F1": { meters: 4, days: { "1.8.0": [sums(day, 75, { expected: 4, present: 3 }), sums(next, 80)] } },
    "measures:F1": { meters: 1, meterIds: ["top"], days: { "1.8.0": [sums(day, 110, { expected: 1, present: 1 })] } },
  });
  const answer = (await app.inject(`/v1/groups/feeder:F1/balance?${range}&resolution=P1D`)).json();
  expect(answer.measuredBy).toEqual(["top"]);
  expect(answer.items[0]).toMatchObject({ supplied: 11_000, delivered: 7500, losses: 1000, low: -1500, high: 3500 });
  expect(answer.items[1]).toMatchObject({ supplied: null, delivered: 7680, losses: null, low: null, high: null });
  expect(answer.total).toEqual({
    ...{ steps: 2, known: 1, supplied: 11_000, delivered: 7500, losses: 1000, low: -1500, high: 3500 },
  });
  const other = await app.inject(`/v1/groups/measures:F1/balance?${range}`);
  expect(other.json().code).toBe("group_unknown");
});

test("movers are those whose issued months differ most", async () => {
  const period = aSnapshot().period;
  const month = (meterId: string, of: number, consumption: number | null) =>
    aSnapshot({ meterId, period: of, registers: [aRegisterSnapshot({ consumption })] });
  const snapshots = memorySnapshots(
    ...[month("m-1", period, 500), month("m-1", period - 1, 450)],
    ...[month("m-2", period, 100), month("m-2", period - 1, 900)],
    ...[month("m-3", period, null), month("m-3", period - 1, 900)],
  );
  const groupSums = memoryGroupSums({
    "feeder:F1": { meters: 3, meterIds: ["m-1", "m-2", "m-3"], days: {} },
    fleet: { meters: 9, meterIds: ["m-1"], days: {} },
  });
  const app = await injectableApi(apiWorld({ groupSums, snapshots }));
  const answer = (await app.inject("/v1/groups/feeder:F1/movers?period=2026-10")).json();
  expect(answer).toMatchObject({ against: "2026-09", meters: 3, compared: 2 });
  expect(answer.items.map((one: { meterId: string; change: number }) => [one.meterId, one.change])).toEqual([
    ["m-2", -800],
    ["m-1", 50],
  ]);
  expect((await app.inject("/v1/groups/fleet/movers?period=2026-10")).json().code).toBe("group_too_large");
});

test("a pasted list is summed when asked; who is named twice counts once, and who is unknown is told", async () => {
  const at = (i: number) => day + i * 900;
  const series = memorySeries({
    "m-1": [registerSeries(Array.from({ length: 101 }, (_, i) => [at(i), 1000 + i * 10] as const))],
    "m-2": [
      intervalSeries(
        Array.from({ length: 50 }, (_, i) => [at(i + 1), 7] as const),
        900,
      ),
    ],
  });
  const app = await injectableApi(apiWorld({ series }));
  const asked = { ids: ["m-1", "m-2", "m-1", "m-9"], register: "1.8.0", resolution: "P1D" };
  const times = { from: "2026-10-24T21:00:00Z", to: "2026-10-25T22:00:00Z" };
  const sent = (payload: object) => app.inject({ method: "POST", url: "/v1/groups:curve", payload });
  const answer = (await sent({ ...asked, ...times })).json();
  expect(answer).toMatchObject({ meters: 2, unknown: ["m-9"], unit: "Wh" });
  expect(answer.items).toEqual([{ ...times, consumption: 1000, expected: 2, present: 1, estimated: 0 }]);
  const quarters = (await sent({ ...asked, ...times, resolution: "PT15M" })).json();
  expect(quarters.items).toHaveLength(100);
  expect(quarters.items[49]).toMatchObject({ consumption: 17, present: 2 });
  expect(quarters.items[50]).toMatchObject({ consumption: 10, present: 1 });
  const many = Array.from({ length: 1001 }, (_, i) => `m-${i}`);
  expect((await sent({ ...asked, ...times, ids: many })).json().code).toBe("request_invalid");
  const long = { from: "2026-01-01T00:00:00Z", to: "2026-10-25T22:00:00Z" };
  expect((await sent({ ...asked, ...long })).json().code).toBe("range_too_long");
});
