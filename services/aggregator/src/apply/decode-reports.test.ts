// Goal: a report that cannot be used stops nobody. Method: frames as a log hands them over, with one report that is
// damaged.
import type { Damage } from "@meterbook/core/domain/damage/damage";
import { encodeReport } from "@meterbook/intake/decoders/protobuf/meter-report-protobuf";
import { expect, test } from "vitest";
import { decodeReports } from "./decode-reports.ts";

const channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 } as const;
const at = Date.parse("2026-10-31T00:00:00Z") / 1000;

function report(meterId: string, instant = at, bytes?: Uint8Array) {
  const series = [{ channel, at: [instant], value: [5], code: [0] }];
  return {
    meterId,
    receivedAtMs: 1,
    origin: "remote" as const,
    report: bytes ?? encodeReport({ series }),
    readings: 1,
  };
}

test.for([
  { case: "bytes that are no report", bad: report("m-2", at, Buffer.from("hello")) },
  {
    case: "a report that is cut off",
    bad: report("m-2", at, encodeReport({ series: [{ channel, at: [at], value: [5], code: [0] }] }).subarray(0, 5)),
  },
  { case: "an instant before all time", bad: report("m-2", 7) },
  { case: "an instant that no key holds", bad: report("m-2", 2 ** 40) },
])("H07: $case: that report is set aside and named, and the others of its frame are taken", ({ bad }) => {
  const damages: Damage[] = [];
  const frame = { partition: 3, offset: 17, appendedAtMs: 1, reports: [report("m-1"), bad, report("m-3")] };
  const decoded = decodeReports(frame, (damage) => damages.push(damage));
  const changed = decoded.flatMap(([{ meterId }, series]) => (series === undefined ? [] : [meterId]));
  expect(changed).toEqual(["m-1", "m-3"]);
  expect(damages).toMatchObject([
    {
      place: "readings-log",
      where: "partition 3 offset 17 report 1",
      code: "record_unreadable",
      meterId: "m-2",
      lost: 1,
    },
  ]);
});
