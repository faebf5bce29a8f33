import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import type { NextMessage } from "./hostile-flood.ts";

const proto = fileURLToPath(new URL("../../../proto/meterbook/v1/meter_report.proto", import.meta.url));
const MeterReport = protobuf.loadSync(proto).lookupType("meterbook.v1.MeterReport");

function protobufOf(readings: readonly object[]): Buffer {
  return Buffer.from(MeterReport.encode(MeterReport.fromObject({ readings })).finish());
}

const at = () => Math.floor(Date.now() / 60_000) * 60;
const iso = () => new Date(at() * 1000).toISOString();

/** H03: a hundred thousand zeros in one value. */
export function valueOfZeros(): NextMessage {
  const value = `0.${"0".repeat(100_000)}1`;
  const payload = Buffer.from(JSON.stringify({ readings: [{ at: iso(), register: "1.8.0", value, unit: "kWh" }] }));
  return () => ({ topic: "meters/zeros-1/readings/json", payload });
}

/** H09: as many registers as that in each message, others than in those before. */
export function reportOfRegisters(count: number): NextMessage {
  const made: Buffer[] = [];
  let number = 0;
  const readingOf = (_: unknown, index: number) => {
    const code = number + index;
    return { at: at(), register: `${code >> 16}-0:96.${(code >> 8) & 255}.${code & 255}`, value: 1, unit: "UNIT_WH" };
  };
  return () => {
    // Some hundred thousand registers, and then again those; a meter has 64.
    if (made.length * count < 300_000) made.push(protobufOf(Array.from({ length: count }, readingOf)));
    const payload = made[(number / count) % made.length] as Buffer;
    number += count;
    return { topic: `meters/registers-${count}/readings`, payload };
  };
}

/** H10: two hundred readings, each below zero. */
export function refusedReadings(): NextMessage {
  const reading = { at: iso(), register: "1.8.0", value: "-1", unit: "kWh" };
  const payload = Buffer.from(JSON.stringify({ readings: Array.from({ length: 200 }, () => reading) }));
  let number = 0;
  return () => ({ topic: `meters/refused-${number++ % 1000}/readings/json`, payload });
}

/** H11: a good reading each of a meter that nobody has heard of. */
export function oneReading(): NextMessage {
  const payload = protobufOf([{ at: at(), register: "1.8.0", value: 1, unit: "UNIT_WH" }]);
  let number = 0;
  return () => ({ topic: `meters/invented-${process.pid}-${number++}/readings`, payload });
}

/** No report at all. */
export function unreadable(): NextMessage {
  const payloads = ["{", "[]", '{"readings":[', "\u0000\u0001", `{"readings":[${"[".repeat(3000)}`];
  let number = 0;
  return () => {
    number += 1;
    const suffix = number % 2 === 0 ? "/json" : "";
    return {
      topic: `meters/poison-${number % 100}/readings${suffix}`,
      payload: Buffer.from(payloads[number % payloads.length] as string),
    };
  };
}
