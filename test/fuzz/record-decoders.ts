import { decodeReads, encodeReads } from "@meterbook/adapters/sqlite-views/audit-log/audit-table";
import { decodeMeterGaps, encodeMeterGaps } from "@meterbook/adapters/sqlite-views/gap-log/gap-record";
import { decodeJob, encodeJob } from "@meterbook/adapters/sqlite-views/job-log/job-table";
import {
  encodeLedgerRecord,
  type LedgerRecord,
  readLedgerRecord,
  verifyLedgerRecord,
} from "@meterbook/adapters/sqlite-views/ledger/ledger-record";
import { periodsOf } from "@meterbook/core/domain/gap/gap-periods";
import type { MeterGaps } from "@meterbook/core/domain/gap/meter-gaps";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { OutageRecord } from "@meterbook/core/domain/registry/outage";
import type { UsagePointRecord } from "@meterbook/core/domain/registry/usage-point";
import { canonicalContent } from "@meterbook/core/domain/snapshot/canonical-content";
import { periodName, snapshotId } from "@meterbook/core/domain/snapshot/snapshot";
import { formatInstantMs } from "@meterbook/core/domain/time/instant";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { PersonalRead } from "@meterbook/core/ports/audit-log";
import { encodeBarrier } from "@meterbook/core/records/barrier-protobuf";
import type { Checked } from "@meterbook/core/records/checked-record";
import {
  checkDamageRecord,
  type DamageRecord,
  encodeDamageRecord,
} from "@meterbook/core/records/damage-record-protobuf";
import { checkFrame, encodeFrame } from "@meterbook/core/records/frame-protobuf";
import { checkMeterRecord, encodeMeterRecord } from "@meterbook/core/records/meter-record-protobuf";
import { withChecksum } from "@meterbook/core/records/record-checksum";
import { checkOutage, encodeOutage } from "@meterbook/core/records/registry/outage-protobuf";
import { checkUsagePoint, encodeUsagePoint } from "@meterbook/core/records/registry/usage-point-protobuf";
import {
  checkRegistryChange,
  encodeRegistryChange,
  sealChange,
} from "@meterbook/core/records/registry-change-protobuf";
import {
  checkRejectedRecord,
  encodeRejectedRecord,
  type RejectedRecord,
} from "@meterbook/core/records/rejected-record-protobuf";
import { checkWriterTally, encodeWriterTally } from "@meterbook/core/records/writer-tally-protobuf";
import { encodeReport } from "@meterbook/intake/decoders/protobuf/meter-report-protobuf";
import { expect } from "vitest";
import { decodeReports } from "../../services/aggregator/src/apply/decode-reports.ts";
import { gapJson } from "../../services/api/src/analysis/gap-json.ts";
import { snapshotCsvEncoder } from "../../services/api/src/billing/csv/snapshot-csv.ts";
import { snapshotJson } from "../../services/api/src/billing/snapshot-json.ts";
import { meterCsvRows } from "../../services/api/src/registry/meter-csv.ts";
import { meterRecordJson } from "../../services/api/src/registry/meter-record-json.ts";
import { aSnapshot } from "../support/worlds/api-world.ts";
import type { Decoder } from "./decoder.ts";
import { decoder, field, many, never } from "./decoder.ts";
import { expectSound, soundSeries } from "./message-decoders.ts";
import { oddJson } from "./odd-json.ts";
import { oddProtobuf } from "./odd-protobuf.ts";

const sealed = (bytes: Buffer) => withChecksum(bytes.subarray(0, Math.max(0, bytes.length - 5)));
const nowMs = 1_793_484_000_123;
const damaged = () => undefined;

/** JSON has no NaN and no infinity: what is shown must come back as it is. */
function expectShown(value: object): void {
  expect(JSON.parse(JSON.stringify(value))).toEqual(value);
}

const heavy = {
  "unknown fields": many(() => Buffer.from([0x80, 0x7d, 1])),
  "fields over and over": many(() => field(0x0a, "m-1")),
  "one long text": (bytes: number) => field(0x0a, Buffer.alloc(bytes - 5, 0x61)),
  "empty messages": many((i) => field([0x0a, 0x12, 0x22, 0x52, 0x3a][i % 5] as number, "")),
  "nested messages": many(() => field(0x0a, field(0x0a, field(0x0a, "x")))),
  "rows with a long register": many(() => field(0x52, field(0x0a, "1.8.0".repeat(40)))),
  "short rows": many(() => field(0x52, field(0x0a, "1.8.0"))),
  registers: many((i) => field(0x22, field(0x0a, `1.8.${i % 256}`))),
  values: (bytes: number) => field(0x3a, many((i) => field(0x12, field(0x0a, `1.8.${i}`)))(bytes - 10)),
  refusals: (bytes: number) => field(0x0a, many(() => field(0x3a, field(0x0a, "x")))(bytes - 10)),
};

const report = Buffer.from(encodeReport({ series: soundSeries }));
const logged = { meterId: "m-1", receivedAtMs: nowMs, origin: "operator" as const, report, readings: 6 };

const asked = { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 900, goesOn: false } as const;
const missing = { ...asked, from: 1_793_480_400, to: 1_793_484_000, missing: 4 };
const meterGaps: MeterGaps = {
  ...{ meterId: "m-1", usagePointId: "up-1", zone: "Europe/Kyiv" },
  gaps: [{ ...missing, sinceMs: nowMs, asked: { times: 1, atMs: nowMs }, answeredAtMs: null }],
  asking: {
    ...{ id: "m-1/1", atMs: nowMs, times: 1, rank: 0, state: "asked" },
    ranges: [{ ...asked, from: missing.from, to: missing.to }],
  },
  sequence: { gaps: 1, missing: 2, after: 3, next: 6, atMs: nowMs },
};

const barrier = { atMs: nowMs, registry: 7, quietBefore: nowMs - 30_000, readyThrough: "m-1", closeId: "c" };

function decodeFrame(bytes: Buffer) {
  const { reports, faults, barrier } = checkFrame(bytes);
  return {
    faults,
    barrier,
    decoded: decodeReports({ partition: 0, offset: 1, appendedAtMs: nowMs, reports }, damaged),
  };
}

function useFrame({ faults, barrier, decoded }: ReturnType<typeof decodeFrame>): void {
  if (barrier !== undefined) expectShown({ ...barrier, at: formatInstantMs(barrier.atMs) });
  expectShown(faults);
  for (const [{ readings, receivedAtMs }, series] of decoded) {
    expectShown({ readings, at: formatInstantMs(receivedAtMs) });
    if (series !== undefined) expectSound(series);
  }
}

function decodeLedger(bytes: Buffer): LedgerRecord {
  verifyLedgerRecord(bytes);
  return readLedgerRecord(bytes);
}

function showSnapshot({ snapshot }: LedgerRecord): void {
  if (snapshot === undefined) return;
  expectShown(snapshotJson(snapshot));
  const csv = snapshotCsvEncoder();
  csv.add({ snapshot });
  csv.take();
  [snapshotId, canonicalContent].map((use) => use(snapshot));
  periodName(snapshot.period);
}

const register = {
  ...{ register: "1.8.0", unit: "Wh" as const, digits: 6, multiplier: 1_000_000, displayUnit: "kWh" as const },
  multipliers: [{ validFrom: 1_770_000_000, multiplier: 40 }],
};
const record: MeterRecord = {
  meterId: "m-1",
  usagePointId: "up-1",
  zone: "Europe/Kyiv",
  registers: [register, { register: "7-0:3.0.0", unit: "L" }],
  stepSeconds: 900,
  connectionPowerW: 15_000,
  installed: { at: 1_768_000_000, values: { "1.8.0": 2 ** 53 - 1 } },
  removed: { at: 1_793_000_000, values: {} },
  earlier: [{ usagePointId: "up-0", removed: { at: 1_700_000_000, values: {} } }],
};

const outage: OutageRecord = {
  outageId: "o-1",
  usagePoints: ["up-1", "up-2"],
  feeder: "f-7",
  from: 1_768_000_000,
  to: 2 ** 32 - 1,
  reason: "гроза",
};

const usagePoint: UsagePointRecord = {
  usagePointId: "up-1",
  zone: [{ validFrom: 0, value: "Europe/Kyiv" }],
  connectionPowerW: [{ validFrom: 1_768_000_000, value: 2 ** 53 - 1 }],
  groups: [{ validFrom: 0, value: ["a", "b"] }],
  status: [
    { validFrom: 0, value: "connected" },
    { validFrom: 2 ** 32 - 1, value: "dead" },
  ],
};
const change = sealChange({
  ...{ id: "c-1", recordedAtMs: nowMs, by: "jo", reason: "why" },
  writes: [
    { base: 3, usagePoint },
    { base: null, meter: record },
    { base: 0, guard: { kind: "meter", id: "m-2" } },
  ],
});

function useRegistry(checked: ReturnType<typeof checkMeterRecord>): void {
  if (checked.record === undefined) return;
  expectShown(meterRecordJson(checked.record));
  meterCsvRows(checked.record);
  expect(checkMeterRecord("m-1", encodeMeterRecord(checked.record))).toEqual(checked);
}

const message = {
  topic: "meters/m-1/readings",
  meterId: "m-1",
  clientId: "c",
  receivedAtMs: nowMs,
  payload: report,
  truncatedFrom: 9,
  refusals: [{ reason: "unit_unknown", detail: "x", readingIndex: 0 }],
};

function useRejected({ record: read }: Checked<RejectedRecord>): void {
  if (read === undefined) return;
  if (read.kind === "replay") expectShown({ ...read, at: formatInstantMs(read.atMs) });
  else {
    const { payload, refusals, ...shown } = read.message;
    expectShown({ ...shown, refusals, bytes: payload.length, at: formatInstantMs(shown.receivedAtMs) });
  }
}

const damage = {
  id: "ledger:m-1",
  place: "ledger" as const,
  code: "checksum_mismatch" as const,
  where: "m-1",
  detail: "x",
  help: "y",
  meterId: "m-1",
  period: "2026-10",
  lost: 3,
  foundAtMs: nowMs,
};

function useDamage({ record: read }: Checked<DamageRecord>): void {
  if (read === undefined) return;
  if (read.kind === "damage") formatInstantMs(read.damage.foundAtMs);
  if (read.kind === "acknowledgement") formatInstantMs(read.word.atMs);
  expectShown(read);
}

const job = {
  ...{
    id: "j-1",
    kind: "close" as const,
    period: 24_321,
    askedAtMs: nowMs,
    askedBy: "operator",
    state: "done" as const,
  },
  ...{ done: 4, total: 4, result: { issued: 3 }, problem: null, seenAtMs: nowMs },
};
const snapshot = aSnapshot();
const common = { generated: oddProtobuf(), sealed, heavy };

const personalRead: PersonalRead = {
  atMs: 1_793_484_000_000,
  caller: "anna",
  address: "10.0.0.7",
  call: "GET /v1/meters/:meterId/curve",
  subject: "meter",
  subjectId: "m-1",
  query: "register=1.8.0",
};

export const recordDecoders: readonly Decoder[] = [
  decoder({
    ...common,
    name: "a frame",
    samples: [Buffer.from(encodeFrame([logged, { ...logged, origin: "remote" }])), encodeBarrier(barrier)],
    decode: decodeFrame,
    check: useFrame,
    throws: never,
  }),
  decoder({
    ...common,
    name: "a record of the ledger",
    samples: [encodeLedgerRecord(snapshot)],
    decode: decodeLedger,
    check: showSnapshot,
    throws: never,
  }),
  decoder({
    ...common,
    name: "a record of the registry",
    samples: [encodeMeterRecord(record)],
    decode: (bytes) => checkMeterRecord("m-1", bytes),
    check: useRegistry,
    throws: never,
  }),
  decoder({
    ...common,
    name: "a usage point of the registry",
    samples: [encodeUsagePoint(usagePoint)],
    decode: (bytes) => checkUsagePoint("up-1", bytes),
    check: ({ record: read }) => {
      if (read !== undefined) expect(checkUsagePoint("up-1", encodeUsagePoint(read))).toEqual({ record: read });
    },
    throws: never,
  }),
  decoder({
    ...common,
    name: "an outage",
    samples: [encodeOutage(outage)],
    decode: (bytes) => checkOutage("o-1", bytes),
    check: ({ record: read }) => {
      if (read !== undefined) expect(checkOutage("o-1", encodeOutage(read))).toEqual({ record: read });
    },
    throws: never,
  }),
  decoder({
    ...common,
    name: "a change of the registry",
    samples: [encodeRegistryChange(change)],
    decode: checkRegistryChange,
    check: ({ record: read }) => {
      if (read !== undefined) expect(checkRegistryChange(encodeRegistryChange(read))).toEqual({ record: read });
    },
    throws: never,
  }),
  decoder({
    ...common,
    name: "a record of the rejected log",
    samples: [
      Buffer.from(encodeRejectedRecord({ kind: "refused", message, writer: Buffer.alloc(16), number: 1 })),
      Buffer.from(encodeRejectedRecord({ kind: "replay", offset: 7, refusal: 2, atMs: nowMs })),
    ],
    decode: checkRejectedRecord,
    check: useRejected,
    throws: never,
  }),
  decoder({
    ...common,
    name: "a record of the damage log",
    samples: [
      encodeDamageRecord({ kind: "damage", damage }),
      encodeDamageRecord({ kind: "acknowledgement", id: "x", word: { atMs: nowMs, by: "a", reason: "b" } }),
    ],
    decode: checkDamageRecord,
    check: useDamage,
    throws: never,
  }),
  decoder({
    ...common,
    name: "a tally of the readings log",
    samples: [encodeWriterTally({ writer: "mgx1k2a9-4f7c", readings: new Map([[3, 17]]) })],
    decode: checkWriterTally,
    check: ({ record: read }) => {
      for (const total of read?.readings.values() ?? []) expect(Number.isSafeInteger(total)).toBe(true);
    },
    throws: never,
  }),
  decoder({
    name: "a job",
    samples: [encodeJob(job)],
    generated: oddJson(Object.keys(job)).map((text) => Buffer.concat([text, Buffer.alloc(5)])),
    sealed,
    decode: decodeJob,
    check(read) {
      if (read === undefined) return;
      expectShown({ ...read, at: [formatInstantMs(read.askedAtMs), formatInstantMs(read.seenAtMs)] });
      expect(decodeJob(encodeJob(read))).toEqual(read);
    },
    throws: never,
    heavy: { "arrays in arrays": (bytes) => withChecksum(Buffer.alloc(bytes, "[")) },
  }),
  decoder({
    name: "personal reads",
    samples: [encodeReads([personalRead])],
    generated: oddJson(Object.keys(personalRead)).map((text) => Buffer.concat([text, Buffer.alloc(5)])),
    sealed,
    decode: decodeReads,
    check(read) {
      expectShown(read.map((one) => ({ ...one, at: formatInstantMs(one.atMs) })));
      expect(decodeReads(encodeReads(read))).toEqual(read);
    },
    throws: never,
    heavy: { "arrays in arrays": (bytes) => withChecksum(Buffer.alloc(bytes, "[")) },
  }),
  decoder({
    name: "gaps of a meter",
    samples: [encodeMeterGaps(meterGaps)],
    generated: oddJson(Object.keys(meterGaps)).map((text) => Buffer.concat([text, Buffer.alloc(5)])),
    sealed,
    decode: decodeMeterGaps,
    check(read) {
      if (read === undefined) return;
      expectShown(read.gaps.map((one) => [gapJson(read.meterId, one), periodsOf(one, localCalendar(read.zone))]));
      expect(decodeMeterGaps(encodeMeterGaps(read))).toEqual(read);
    },
    throws: never,
    heavy: { "arrays in arrays": (bytes) => withChecksum(Buffer.alloc(bytes, "[")) },
  }),
];
