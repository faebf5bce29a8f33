import { expect, onTestFinished, test, vi } from "vitest";
import { localDays } from "../meters/local-days.ts";
import type { Delivery } from "../reports/report-plan.ts";
import { type Answering, joined, requestAnswerer } from "./answer-requests.ts";

const instant = (text: string) => Date.parse(text) / 1000;

function answering(answers: Answering["settings"]["answers"]) {
  const sent: string[] = [];
  const closing = new AbortController();
  onTestFinished(() => closing.abort());
  const heard = requestAnswerer({
    settings: { answers, answerLateSeconds: 0 },
    calendar: localDays("Europe/Kyiv"),
    numberOf: (meterId) => (meterId === "m-7" ? 7 : undefined),
    has: () => ({ after: instant("2026-10-01T00:00:00Z"), until: instant("2026-10-31T23:00:00Z") }),
    send: async ({ report: { meter, after, until } }: Delivery) => {
      const text = (at: number) => new Date(at * 1000).toISOString().slice(8, 16);
      sent.push(`${meter} ${text(after)} ${text(until)}`);
    },
    signal: closing.signal,
  });
  const ask = (id: string, meterId: string, ...ranges: readonly (readonly [string, string])[]) =>
    heard(Buffer.from(JSON.stringify({ id, meterId, ranges: ranges.map(([from, to]) => ({ from, to })) })));
  return { sent, heard, ask };
}

const overMidnight = ["2026-10-30T20:00:00Z", "2026-10-31T04:00:00Z"] as const;

test.for([
  ["whole", ["7 30T20:00 30T22:00", "7 30T22:00 31T04:00"]],
  ["late", ["7 30T20:00 30T22:00", "7 30T22:00 31T04:00"]],
  ["partly", ["7 30T20:00 30T22:00", "7 30T22:00 31T00:00"]],
  ["never", []],
] as const)("%s: a report for each local day of what is asked", async ([answers, expected]) => {
  const { sent, ask } = answering(answers);
  ask("1", "m-7", overMidnight, overMidnight);
  ask("1", "m-7", ["2026-10-05T20:00:00Z", "2026-10-05T21:00:00Z"]);
  ask("1", "m-8", overMidnight);
  await vi.waitFor(() => expect(sent).toEqual(expected));
});

test("what the meter does not have is left out, and what is no request is not answered", async () => {
  const { sent, ask, heard } = answering("whole");
  heard(Buffer.from("{"));
  heard(Buffer.from('{"id":"1","meterId":"m-7","ranges":[{"from":"yesterday","to":"now"}]}'));
  ask("2", "m-7", ["2026-10-31T22:30:00Z", "2026-11-05T00:00:00Z"], ["2026-09-01T00:00:00Z", "2026-09-02T00:00:00Z"]);
  await vi.waitFor(() => expect(sent).toEqual(["7 31T22:30 31T23:00"]));
});

test("ranges that overlap or touch are one", () => {
  const spans = [
    { after: 50, until: 60 },
    { after: 0, until: 10 },
    { after: 10, until: 20 },
    { after: 15, until: 18 },
    { after: 30, until: 30 },
  ];
  expect(joined(spans)).toEqual([
    { after: 0, until: 20 },
    { after: 50, until: 60 },
  ]);
});
