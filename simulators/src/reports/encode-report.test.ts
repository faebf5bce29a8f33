// Goal: what goes on the wire says what the meter counted, is small, and is the same each time.
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import { expect, test, vi } from "vitest";
import type { FleetSettingsInput } from "../meters/fleet-options.ts";
import { momentOf, readFleetOptions } from "../meters/fleet-options.ts";
import { localDays } from "../meters/local-days.ts";
import { meterProfile } from "../meters/meter-profile.ts";
import { meterTotals } from "../meters/register-totals.ts";
import { reportEncoder } from "./encode-report.ts";
import { due, heldDeliveries, noFaults, planDeliveries } from "./report-plan.ts";
import type { RegisterSeries } from "./report-readings.ts";
import { readingsOf } from "./report-readings.ts";

// The machine may be busy with the other tests.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const protoFile = fileURLToPath(new URL("../../../proto/meterbook/v1/meter_report.proto", import.meta.url));
const MeterReport = protobuf.loadSync(protoFile).lookupType("meterbook.v1.MeterReport");

interface Sent {
  readonly topic: string;
  readonly bytes: Buffer;
  readonly series: readonly RegisterSeries[];
}

function send(input: FleetSettingsInput, from = "2026-10-20T00:00:00+03:00", to = "2026-11"): Sent[] {
  const read = readFleetOptions({ meters: 20, ...input });
  if ("problems" in read) throw new Error(read.problems.join("\n"));
  const { settings } = read;
  const calendar = localDays(settings.zone);
  const meters = Array.from({ length: settings.meters }, (_, number) =>
    meterTotals(meterProfile(number, settings), calendar),
  );
  const encode = reportEncoder(settings.format);
  const held = heldDeliveries();
  const range = {
    from: momentOf(from, settings.zone),
    to: momentOf(to, settings.zone),
    reportEvery: settings.reportEvery,
  };
  const plan = [...planDeliveries(settings, calendar, range, held, noFaults()), ...due(held, Number.POSITIVE_INFINITY)];
  return plan.map((delivery) => {
    const meter = meters[delivery.report.meter] as (typeof meters)[number];
    const series = readingsOf(delivery, meter, settings);
    return { ...encode(meter.profile.meterId, delivery.report.sequence, series), series };
  });
}

const everyFault = {
  repeated: 0.1,
  reordered: 0.1,
  lateHours: 0.1,
  wrong: 0.1,
  conflicting: 0.1,
  estimated: 0.2,
  skew: 0.3,
  lost: 0.1,
};

test.for(["protobuf", "profile", "json"] as const)(
  "the same seed sends the same bytes, another seed others: %s",
  (format) => {
    const digest = (seed: number) => {
      const hash = createHash("sha256");
      for (const { topic, bytes } of send({ seed, format, ...everyFault })) hash.update(topic).update(bytes);
      return hash.digest("hex");
    };
    expect(digest(5)).toBe(digest(5));
    expect(digest(5)).not.toBe(digest(6));
  },
);

test("a day of quarter hours of three registers is one message under 1 kB", () => {
  const sent = send({ format: "profile", reportEvery: 86_400, solarShare: 0, businessShare: 0.5, meters: 200 });
  const threeRegisters = sent.filter(({ series }) => series.length === 3 && (series[0]?.at.length ?? 0) >= 92);
  expect(threeRegisters.length).toBeGreaterThan(500);
  expect(Math.max(...threeRegisters.map(({ bytes }) => bytes.length))).toBeLessThan(1024);
});

interface WireReading {
  at: number;
  register: string;
  value: number;
  quality: number;
}

/** Every reading of a decoded report, written out by the comments of the schema. */
function written(bytes: Buffer): WireReading[] {
  const { readings, profiles } = MeterReport.toObject(MeterReport.decode(bytes), {
    longs: Number,
    defaults: true,
    arrays: true,
  }) as {
    readings: WireReading[];
    profiles: {
      register: string;
      start: number;
      stepSeconds: number;
      base: number;
      deltas: number[];
      exceptions: { first: number; count: number; quality: number }[];
    }[];
  };
  const unpacked = profiles.flatMap(({ register, start, stepSeconds, base, deltas, exceptions }) => {
    let value = base;
    return deltas.map((delta, i) => {
      value += delta;
      const exception = exceptions.find(({ first, count }) => i >= first && i < first + count);
      return { at: start + i * stepSeconds, register, value, quality: exception?.quality ?? 0 };
    });
  });
  return [...readings, ...unpacked].map(({ at, register, value, quality }) => ({ at, register, value, quality }));
}

function told(series: readonly RegisterSeries[]): WireReading[] {
  return series.flatMap(({ register, at, values, estimated: { first, count } }) =>
    at.map((instant, i) => ({
      at: instant,
      register,
      value: values[i] as number,
      quality: i >= first && i < first + count ? 2 : 0,
    })),
  );
}

test.for(["protobuf", "profile"] as const)("%s says what the meter showed, also on the day of 25 hours", (format) => {
  for (const { bytes, series } of send({ format, reportEvery: 86_400, ...everyFault, step: 1800 }))
    expect(written(bytes)).toEqual(told(series));
});

test("JSON says kWh with three decimals", () => {
  for (const { bytes, topic, series } of send({ format: "json", meters: 5, reportEvery: 3600, estimated: 0.3 })) {
    expect(topic).toMatch(/^meters\/sim-00000\d\/readings\/json$/);
    const report = JSON.parse(bytes.toString()) as {
      readings: { at: string; register: string; value: string; unit: string; quality?: string }[];
    };
    const readings = report.readings.map(({ at, register, value, quality }) => ({
      at: Date.parse(at) / 1000,
      register,
      value: Number(value.replace(".", "")),
      quality: quality === "estimated" ? 2 : 0,
    }));
    expect(readings).toEqual(told(series));
    for (const { unit, value } of report.readings)
      expect([unit, value]).toEqual([expect.stringMatching(/^k(Wh|varh)$/), expect.stringMatching(/^\d+\.\d{3}$/)]);
  }
});

test("an estimate lies between the readings around it; a wrong value is one reading of one register", () => {
  for (const { series } of send({ reportEvery: 86_400, estimated: 1 }, "2026-10")) {
    for (const { values } of series) expect(values).toEqual([...values].sort((a, b) => a - b));
  }
  const right = send({ reportEvery: 86_400 });
  const wrong = send({ reportEvery: 86_400, wrong: 1 });
  for (const [index, { series }] of wrong.entries()) {
    const before = told((right[index] as Sent).series);
    expect(told(series).filter((reading, i) => reading.value !== before[i]?.value)).toHaveLength(1);
    expect(series.filter((one) => one.wrong !== undefined)).toHaveLength(1);
  }
});
