import { dayEdges, emptyRegisterDay } from "@meterbook/core/domain/group/day-sums";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { GroupDay, GroupSums, GroupSumsReader } from "@meterbook/core/ports/group-sums";
import { encodeRegisterDay, readSummedSteps } from "@meterbook/core/records/sums/register-day-record";
import { expect, onTestFinished, test } from "vitest";
import { instant } from "../support/readings.ts";

export interface GroupSumsUnderTest {
  /** Opens the same sums again and again, their writer's side and their readers'. */
  open(): Promise<{ readonly sums: GroupSums; readonly reader: GroupSumsReader }>;
}

const calendar = localCalendar("Europe/Kyiv");
const day = calendar.dayOf(instant("2026-10-15T12:00:00Z"));
const next = calendar.addDays(day, 1);

export function aGroupDay(groupId: string, expected: number, register = "1.8.0"): GroupDay {
  const of = emptyRegisterDay(register, "Wh", dayEdges(calendar, day));
  of.expected = expected;
  of.steps.PT15M.present[95] = expected;
  of.steps.PT15M.consumption[95] = expected * 2 ** 34;
  return { groupId, register, unit: "Wh", sums: encodeRegisterDay(of) };
}

/** What the port promises (packages/core/src/ports/group-sums.ts). Every adapter runs it. */
export function groupSumsContract(make: () => Promise<GroupSumsUnderTest>): void {
  async function opened(under: GroupSumsUnderTest) {
    const { sums, reader } = await under.open();
    onTestFinished(() => sums.close().catch(() => undefined));
    onTestFinished(() => reader.close().catch(() => undefined));
    return { sums, reader };
  }

  const expectedOf = async (reader: GroupSumsReader, groupId: string, register = "1.8.0") =>
    (await reader.days(groupId, register, { from: day, to: next })).map((one) => [
      one.day,
      one.unit,
      readSummedSteps(one.sums, "PT15M")?.expected,
    ]);

  test("a day's sums are those that were put last, and a group that is not among them is gone", async () => {
    const { sums, reader } = await opened(await make());
    const writer = await sums.open(0, 1);
    await writer.put(day, [aGroupDay("feeder:F1", 2), aGroupDay("feeder:F2", 9), aGroupDay("fleet", 3, "2.8.0")]);
    await writer.put(next, [aGroupDay("feeder:F2", 4)]);
    await writer.put(day, [aGroupDay("feeder:F1", 5), aGroupDay("fleet", 6)]);
    expect(await expectedOf(reader, "feeder:F1")).toEqual([[day, "Wh", 5]]);
    expect(await expectedOf(reader, "feeder:F2")).toEqual([[next, "Wh", 4]]);
    expect(await expectedOf(reader, "fleet", "2.8.0")).toEqual([]);
    const [one] = await reader.days("feeder:F1", "1.8.0", { from: day, to: day });
    const steps = readSummedSteps(one?.sums ?? new Uint8Array(), "PT15M")?.steps;
    expect([steps?.present[95], steps?.consumption[95], steps?.present[0]]).toEqual([5, 5 * 2 ** 34, 0]);
  });

  test("each partition has its own part of a day", async () => {
    const { sums, reader } = await opened(await make());
    const [first, second] = [await sums.open(0, 1), await sums.open(1, 1)];
    await first.put(day, [aGroupDay("feeder:F1", 2)]);
    await second.put(day, [aGroupDay("feeder:F1", 3)]);
    await first.put(day, [aGroupDay("feeder:F1", 1)]);
    expect((await expectedOf(reader, "feeder:F1")).map(([, , expected]) => expected).sort()).toEqual([1, 3]);
    expect(await reader.group("feeder:F1")).toMatchObject({ registers: ["1.8.0"] });
  });

  test("days are pending from when they were said to have changed until they are said to be summed", async () => {
    const under = await make();
    const { sums, reader } = await opened(under);
    const writer = await sums.open(0, 1);
    expect(await writer.pending()).toBeUndefined();
    await writer.changed([{ from: day, to: day }]);
    await writer.changed([{ from: next, to: next }]);
    expect(await reader.pending({ from: next, to: next })).toEqual([{ from: next, to: next }]);
    await sums.close();
    const again = await opened(under);
    const owner = await again.sums.open(0, 2);
    expect(await owner.pending()).toEqual([
      { from: day, to: day },
      { from: next, to: next },
    ]);
    await owner.summed([{ from: next, to: next }]);
    expect(await again.reader.pending({ from: day, to: next })).toEqual([{ from: next, to: next }]);
    await owner.summed([]);
    expect(await (await again.sums.open(0, 3)).pending()).toEqual([]);
  });

  test("a group has the registers of its own members, whatever others have", async () => {
    const { sums, reader } = await opened(await make());
    const writer = await sums.open(0, 1);
    await writer.put(day, [aGroupDay("feeder:F1", 1), aGroupDay("feeder:F2", 1, "2.8.0"), aGroupDay("fleet", 2)]);
    expect((await reader.group("feeder:F1"))?.registers).toEqual(["1.8.0"]);
    expect((await reader.group("feeder:F2"))?.registers).toEqual(["2.8.0"]);
  });

  test("who goes on taking readings in is the owner, though another opened late and has gone", async () => {
    const { sums, reader } = await opened(await make());
    const writer = await sums.open(0, 2);
    const late = await sums.open(0, 1);
    await late.changed([{ from: next, to: next }]);
    await writer.changed([{ from: day, to: day }]);
    await writer.put(day, [aGroupDay("fleet", 2)]);
    await writer.summed([{ from: next, to: next }]);
    expect(await reader.pending({ from: day, to: next })).toEqual([{ from: next, to: next }]);
    expect(await expectedOf(reader, "fleet")).toEqual([[day, "Wh", 2]]);
  });

  test("members are those that were said last, of all partitions together", async () => {
    const { sums, reader } = await opened(await make());
    const [first, second] = [await sums.open(0, 1), await sums.open(1, 1)];
    await first.members([
      { groupId: "feeder:F1", meters: 1, meterIds: ["m-1"] },
      { groupId: "feeder:F2", meters: 1, meterIds: ["m-2"] },
    ]);
    await second.members([{ groupId: "feeder:F1", meters: 2, meterIds: ["m-3", "m-4"] }]);
    await first.members([
      { groupId: "feeder:F1", meters: 1, meterIds: ["m-5"] },
      { groupId: "supplier:S", meters: 7, meterIds: ["m-5"] },
    ]);
    expect(await reader.groups({ prefix: "", limit: 10 })).toEqual([
      { groupId: "feeder:F1", meters: 3 },
      { groupId: "supplier:S", meters: 7 },
    ]);
    expect(await reader.groups({ prefix: "supplier:", limit: 10 })).toEqual([{ groupId: "supplier:S", meters: 7 }]);
    expect(await reader.groups({ prefix: "", afterGroupId: "feeder:F1", limit: 1 })).toEqual([
      { groupId: "supplier:S", meters: 7 },
    ]);
    expect(await reader.group("feeder:F1")).toMatchObject({ groupId: "feeder:F1", meters: 3 });
    expect([...(await reader.memberIds("feeder:F1"))].sort()).toEqual(["m-3", "m-4", "m-5"]);
    expect(await reader.memberIds("feeder:F9")).toEqual([]);
    expect(await reader.group("feeder:F9")).toBeUndefined();
  });
}
