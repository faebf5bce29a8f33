// Goal: an amount that intake accepts and master data multiplies is exactly the same in the record of the ledger, in
// its hash, in JSON, in NDJSON and in CSV. An amount that leaves the safe integers is null with a fault in all of them,
// never 0 and never another number (H01, H02).
// Method: readings as text, at the edges of what is accepted, go the whole way; big integers say what must come out.
import { createHash } from "node:crypto";
import { encodeLedgerRecord, verifyLedgerRecord } from "@meterbook/adapters/sqlite-views/ledger/ledger-record";
import { type ReadingSeries, readingAt } from "@meterbook/core/domain/reading/reading";
import { canonicalContent } from "@meterbook/core/domain/snapshot/canonical-content";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import { monthContent } from "@meterbook/core/domain/valuation/month-content";
import { decodeReport } from "@meterbook/intake/decoders/protobuf/meter-report-protobuf";
import { messageReader, readLimits } from "@meterbook/intake/read-message";
import fc from "fast-check";
import { expect, test } from "vitest";
import { snapshotCsvEncoder, snapshotCsvHeader } from "../../services/api/src/billing/csv/snapshot-csv.ts";
import { snapshotJson } from "../../services/api/src/billing/snapshot-json.ts";
import { textEncoder } from "../../services/api/src/http/answers/row-encoder.ts";
import { csvCells } from "../../services/api/src/http/requests/csv-cells.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? fc.readConfigureGlobal().seed ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 500);
const timeout = 60_000 + numRuns * 20;
const calendar = localCalendar("Europe/Kyiv");
const period = 2026 * 12 + 9;
const span = { start: calendar.startOf(period), boundary: calendar.boundaryOf(period) };
const receivedAtMs = (span.boundary + 3600) * 1000;
const wide = { ...readLimits, rules: { ...readLimits.rules, valueDigitsMax: 16 } };
const reader = messageReader(wide, { nowMs: () => receivedAtMs });
const largest = BigInt(Number.MAX_SAFE_INTEGER);

const zeros = { Wh: 0, kWh: 3, MWh: 6 } as const;
type Unit = keyof typeof zeros;

/** Watt-hours written in a unit, in one of the forms that a number may have. */
function written(wattHours: bigint, unit: Unit, form: "number" | "text" | "exponent"): string {
  const digits = String(wattHours).padStart(zeros[unit] + 1, "0");
  const point = digits.length - zeros[unit];
  const decimal = zeros[unit] === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
  if (form === "exponent") return `${wattHours}e-${zeros[unit]}`;
  return form === "text" ? `"${decimal}"` : decimal;
}

const amount = fc.oneof(
  fc.bigInt({ min: 0n, max: largest }),
  fc.constantFrom(0n, 1n, largest, largest - 1n, 2n ** 52n, 2n ** 32n, 999n, 1000n),
  fc.bigInt({ min: 0n, max: 100_000n }),
);
interface GivenReading {
  readonly hour: number;
  readonly amount: bigint;
  readonly unit: Unit;
  readonly form: "number" | "text" | "exponent";
}

const reading: fc.Arbitrary<GivenReading> = fc.record({
  hour: fc.integer({ min: 1, max: 24 * 30 }),
  amount,
  unit: fc.constantFrom<Unit>("Wh", "kWh", "MWh"),
  form: fc.constantFrom("number" as const, "text" as const, "exponent" as const),
});
const readings = fc.uniqueArray(reading, { selector: ({ hour }) => hour, minLength: 1, maxLength: 8 });
const multiplier = fc.oneof(
  fc.constant(1),
  fc.integer({ min: 1, max: 1_000_000 }),
  fc.constantFrom(131_072, 1_000_000),
);

function accepted(kind: "register" | "interval", given: readonly GivenReading[]): ReadingSeries {
  const items = given.map(({ hour, amount: wattHours, unit, form }) => {
    const at = formatInstant(span.start + hour * 3600);
    const step = kind === "interval" ? ',"stepSeconds":3600' : "";
    return `{"at":"${at}","register":"1.8.0","kind":"${kind}"${step},"unit":"${unit}","value":${written(wattHours, unit, form)}}`;
  });
  const payload = Buffer.from(`{"readings":[${items.join(",")}]}`);
  const read = reader.read({ topic: "meters/m-1/readings/json", payload, receivedAtMs, clientId: "c" });
  expect(read.rejections).toEqual([]);
  const [series] = decodeReport(read.accepted?.report ?? new Uint8Array(), "remote");
  if (series === undefined) throw new Error("nothing was accepted");
  return series;
}

function ascending({ channel, ...columns }: ReadingSeries): ReadingSeries {
  const order = columns.at.map((_, i) => i).sort((a, b) => (columns.at[a] as number) - (columns.at[b] as number));
  const sorted = (column: readonly number[]) => order.map((i) => column[i] as number);
  return { channel, at: sorted(columns.at), value: sorted(columns.value), code: sorted(columns.code) };
}

function issued(series: ReadingSeries, times: number): Snapshot {
  const { channel, ...columns } = series;
  const channels = [{ channel, first: readingAt(columns, 0), readings: columns }];
  const registers = [{ register: "1.8.0", unit: "Wh" as const, multiplier: times }];
  const record = { meterId: "m-1", usagePointId: "up-1", registers };
  const content = monthContent({ meterId: "m-1", record, channels }, period, calendar, []);
  const hash = `sha256:${createHash("sha256").update(canonicalContent(content)).digest("hex")}`;
  return { ...content, revision: 1, lifecycle: "final", issuedAtMs: receivedAtMs, reason: "window closed", hash };
}

/** The cells of the only row, by column. */
function csvOf(snapshot: Snapshot): Record<string, string> {
  const encoder = snapshotCsvEncoder();
  encoder.add({ snapshot });
  const [header, row] = encoder.take().toString().split("\n");
  expect(`${header}\n`).toBe(snapshotCsvHeader);
  const names = csvCells(header ?? "") ?? [];
  const cells = csvCells(row ?? "") ?? [];
  expect(cells).toHaveLength(names.length);
  return Object.fromEntries(names.map((name, i) => [name, cells[i] ?? ""]));
}

/** The record, its hash and all forms in which it is given out say the same. */
function expectSame(snapshot: Snapshot): void {
  expect(verifyLedgerRecord(encodeLedgerRecord(snapshot))).toEqual({ snapshot });
  const json = snapshotJson(snapshot);
  const lines = textEncoder((one: Snapshot) => `${JSON.stringify(snapshotJson(one))}\n`);
  lines.add(snapshot);
  expect(JSON.parse(lines.take().toString())).toEqual(json);
  const csv = csvOf(snapshot);
  const [row] = json.registers;
  if (row === undefined) throw new Error("there is one register");
  const said = {
    ...row,
    before_value: row.evidence.before?.value ?? null,
    after_value: row.evidence.after?.value ?? null,
  };
  for (const name of ["value", "opening", "consumption", "before_value", "after_value", "quality", "method"] as const)
    expect([name, csv[name]]).toEqual([name, said[name] === null ? "" : String(said[name])]);
  expect([csv["read_at"], csv["hash"], csv["boundary"]]).toEqual([row.readAt ?? "", json.hash, json.boundary]);
}

function expectConsumption(snapshot: Snapshot, exact: bigint): void {
  const [row] = snapshot.registers;
  if (exact <= largest) expect(row?.consumption).toBe(Number(exact));
  else expect(row).toMatchObject({ consumption: null, fault: "amount_out_of_range", quality: "suspect" });
}

test(`H01: amounts of intervals (seed ${seed})`, { timeout }, () => {
  fc.assert(
    fc.property(readings, multiplier, (given, times) => {
      const snapshot = issued(ascending(accepted("interval", given)), times);
      expectSame(snapshot);
      expectConsumption(snapshot, given.reduce((sum, one) => sum + one.amount, 0n) * BigInt(times));
    }),
    { seed, numRuns },
  );
});

test(`H02: totals of registers (seed ${seed})`, { timeout }, () => {
  fc.assert(
    fc.property(readings, amount, multiplier, (given, last, times) => {
      const rising = given
        .map((one) => one.amount)
        .concat(last)
        .sort((a, b) => (a < b ? -1 : 1));
      const byHour = [...given]
        .sort((a, b) => a.hour - b.hour)
        .map((one, i) => ({ ...one, amount: rising[i] as bigint }));
      const closing = {
        hour: (span.boundary - span.start) / 3600,
        amount: rising.at(-1) as bigint,
        unit: "kWh" as const,
        form: "text" as const,
      };
      const snapshot = issued(ascending(accepted("register", [...byHour, closing])), times);
      expectSame(snapshot);
      expectConsumption(snapshot, (closing.amount - (rising[0] as bigint)) * BigInt(times));
      expect(snapshot.registers[0]?.value).toBe(Number(closing.amount));
    }),
    { seed, numRuns },
  );
});
