import { encodeFrame } from "@meterbook/core/records/frame-protobuf";
import { encodeReport } from "@meterbook/intake/decoders/protobuf/meter-report-protobuf";
import { expect, test } from "vitest";
import { flippedBit } from "../support/flipped-bit.ts";
import { instant, registerSeries } from "../support/readings.ts";
import { allLost, explains, readingsOfFrame } from "./lost-readings.ts";

const at = "2026-10-05T10:00:00Z";
const report = encodeReport({ series: [registerSeries([[instant(at), 7]])] });
const frame = encodeFrame([{ meterId: "sim-000001", receivedAtMs: 5, origin: "remote", report, readings: 1 }]);

test("only the readings of a damaged frame explain that one is missing", () => {
  const lost = allLost([readingsOfFrame(frame) ?? new Map()]);
  expect(explains(lost, `stored: sim-000001 1.8.0 ${at}`)).toBe(true);
  expect(explains(lost, "stored: sim-000001 1.8.0 2026-10-05T11:00:00Z")).toBe(false);
  expect(explains(lost, `stored: sim-000002 1.8.0 ${at}`)).toBe(false);
  expect(explains(lost, "boundary: sim-000001 1.8.0 2026-10")).toBe(true);
  expect(explains(lost, "snapshot: sim-000002 2026-10")).toBe(false);
  expect(explains(lost, "settled: /v1/status")).toBe(false);
});

test("of what is not known in particular any difference of the meter is explained, and of no other", () => {
  const lost = allLost([readingsOfFrame(frame) ?? new Map(), new Map([["sim-000001", "any" as const]])]);
  expect(explains(lost, "stored: sim-000001 1.8.0 2026-10-05T11:00:00Z")).toBe(true);
  expect(explains(lost, "phantom: sim-000001/2026-10/1")).toBe(true);
  expect(explains(lost, "stored: sim-000010 1.8.0 2026-10-05T11:00:00Z")).toBe(false);
});

test("a frame that is damaged already explains nothing", () => {
  expect(readingsOfFrame(flippedBit(frame))).toBe(undefined);
});
