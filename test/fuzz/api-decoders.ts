import { Readable } from "node:stream";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import { checkMeterRecord, encodeMeterRecord } from "@meterbook/core/records/meter-record-protobuf";
import { loadSettings } from "@meterbook/runtime/settings/load-settings";
import { expect } from "vitest";
import { z } from "zod";
import { keyRing, parseKeys } from "../../services/api/src/http/access/api-keys.ts";
import { cursorForm } from "../../services/api/src/http/answers/cursor.ts";
import { ApiProblem } from "../../services/api/src/http/problems/problem.ts";
import { answerFormat } from "../../services/api/src/http/requests/answer-format.ts";
import {
  instant,
  limit,
  meterId,
  period,
  recordedInstant,
  register,
} from "../../services/api/src/http/requests/query-schemas.ts";
import { splitLines } from "../../services/api/src/http/requests/split-lines.ts";
import { importMeters, meterLines, meterRows } from "../../services/api/src/registry/import-meters.ts";
import { importAnswer } from "../../services/api/src/registry/imports/import-answer.ts";
import { meterCsvHeader, meterCsvRows } from "../../services/api/src/registry/meter-csv.ts";
import { meterRecordJson } from "../../services/api/src/registry/meter-record-json.ts";
import type { Decoder } from "./decoder.ts";
import { decoder, filled, many, must, never } from "./decoder.ts";
import { oddJson } from "./odd-json.ts";

const record = {
  meterId: "m-1",
  usagePointId: "up-1",
  zone: "Europe/Kyiv",
  registers: [{ register: "1.8.0", unit: "kWh", digits: 6, multiplier: 40 }],
  stepSeconds: 900,
  connectionPowerW: 15_000,
  installed: { at: "2026-01-15T10:00:00+02:00", values: { "1.8.0": "12.345" } },
  removed: { at: "2026-10-15T10:00:00Z", values: { "1.8.0": 13 } },
};
const names = [
  ...Object.keys(record),
  "register",
  "unit",
  "digits",
  "multiplier",
  "at",
  "values",
  "1.8.0",
  "1-0:1.8.0",
];
const csv = `${meterCsvHeader}m-1,up-1,Europe/Kyiv,900,15000,2026-01-15T08:00:00Z,,1.8.0,Wh,6,1,12000,\n"m-2",,,,,,,"2.8.0",kWh,,,,\n`;

const bounds = { lineBytesMax: 64 * 1024, bytesMax: 64 * 1024 * 1024 };
const tooMany = () => {
  throw new ApiProblem("body_too_large", "x");
};

type Form = "ndjson" | "csv";

interface Imported {
  readonly stored: readonly MeterRecord[];
  readonly answered: string;
}

async function imported(form: Form, bytes: Buffer): Promise<Imported> {
  const stored: MeterRecord[] = [];
  const answer = importAnswer("meterId");
  const lines = splitLines(Readable.from([bytes.subarray(0, 100), bytes.subarray(100)]), bounds, tooMany);
  await importMeters(
    form === "csv" ? meterRows(lines) : meterLines(lines),
    {
      meterVersion: async () => undefined,
      async apply(changes) {
        for (const [write] of changes.map(({ writes }) => writes)) if ("meter" in write) stored.push(write.meter);
        return changes.map(() => ({ outcome: "applied" }));
      },
    },
    { by: "", tell: answer.add },
  );
  const { stream } = answer.end();
  const answered = Buffer.concat(await stream.toArray()).toString();
  return { stored, answered };
}

/** What is taken is kept as it is, and given back as what can be sent again. */
async function checkImport({ stored, answered }: Imported): Promise<void> {
  expect(JSON.parse(answered)).toMatchObject({ stored: stored.length });
  for (const one of stored) {
    expect(checkMeterRecord(one.meterId, encodeMeterRecord(one))).toEqual({ record: one });
    const line = Buffer.from(JSON.stringify(meterRecordJson(one)));
    expect((await imported("ndjson", line)).stored).toEqual([one]);
    const rows = Buffer.from(meterCsvHeader + meterCsvRows(one));
    expect((await imported("csv", rows)).stored).toEqual([one]);
  }
}

const problem = (error: Error) => error instanceof ApiProblem && error.message.length < 20_000;
const forms = [cursorForm("meters", z.string()), cursorForm("readings", z.tuple([z.int(), z.int()]))];

const lineHeavy = {
  "empty lines": filled("\n"),
  "carriage returns": filled("\r"),
  "lines of nothing": many(() => "{}\n"),
  "lines that are not JSON": many(() => "x\n"),
  "arrays in arrays": filled("["),
  "long lines": many(() => `${"[1,".repeat(10_000)}\n`),
  "unknown members": many((i) => `"k${i}":1`, "{", "}", ","),
  "wrong registers": many(() => "{}", '{"meterId":"m-1","registers":[', "]}", ","),
  "wrong registers, a few a line": many(() => `{"meterId":"m-1","registers":[${"{},".repeat(60)}{}]}\n`),
  "values of no register": many((i) => `"${i}":1`, '{"meterId":"m-1","installed":{"at":"x","values":{', "}}}", ","),
  "good lines": many((i) => `${JSON.stringify({ ...record, meterId: `m-${i}` })}\n`),
};
const csvHeavy = {
  "empty lines": filled("\n"),
  commas: filled(",", meterCsvHeader),
  quotes: filled('"', meterCsvHeader),
  "quotes that open": filled(',"', meterCsvHeader),
  "columns of a header": many((i) => `c${i}`, "", "", ","),
  "rows of one meter": many(() => "m-1,,,,,,,1.8.0,Wh,,,,\n", meterCsvHeader),
  "rows of meters in turn": many((i) => `m-${i % 2},,,,,,,1.8.0,Wh,,,,\n`, meterCsvHeader),
  "rows with too few cells": many(() => "m-1\n", meterCsvHeader),
};

const parameters = z
  .object({ meterId, period, instant: instant("x", "x"), recorded: recordedInstant("x", "x"), register, limit })
  .partial();

export const apiDecoders: readonly Decoder[] = [
  decoder({
    name: "lines of an import",
    samples: [`${JSON.stringify(record)}\n`, `\uFEFF${JSON.stringify(record)}\r\n\n{"meterId":"m-2"}`].map((text) =>
      Buffer.from(text),
    ),
    generated: oddJson(names),
    decode: (bytes) => imported("ndjson", bytes),
    check: checkImport,
    throws: problem,
    bytesMax: 1024 * 1024,
    heavy: lineHeavy,
  }),
  decoder({
    name: "rows of an import",
    samples: [Buffer.from(csv)],
    decode: (bytes) => imported("csv", bytes),
    check: checkImport,
    throws: problem,
    bytesMax: 1024 * 1024,
    heavy: csvHeavy,
  }),
  decoder({
    name: "a cursor",
    samples: forms.map((form, i) =>
      Buffer.from(Buffer.from(form.encode("s", (["m-1", [1, 2]] as never[])[i] as never), "base64url")),
    ),
    generated: oddJson(["k", "s", "p"]),
    decode(bytes) {
      for (const form of forms)
        for (const cursor of [bytes.toString("base64url"), bytes.toString()]) {
          try {
            form.decode("s", cursor);
          } catch (error) {
            if (!(error instanceof ApiProblem && error.code === "cursor_invalid")) throw error;
          }
        }
    },
    throws: never,
    bytesMax: 16 * 1024,
    heavy: { letters: filled("A"), brackets: filled("W1tb"), lines: filled("\n") },
  }),
  decoder({
    name: "parameters and headers",
    samples: [
      "2026-10",
      "m-1",
      "2026-10-31T22:00:00+02:00",
      "1-0:1.8.0*255",
      "100",
      "text/csv;q=0.5,application/json",
    ].map((text) => Buffer.from(text)),
    decode(bytes) {
      const text = bytes.toString();
      const read = parameters.safeParse(Object.fromEntries(Object.keys(parameters.shape).map((name) => [name, text])));
      for (const value of Object.values(read.data ?? {}))
        if (typeof value === "number") expect(Number.isSafeInteger(value)).toBe(true);
      expect(["json", "ndjson", "csv"]).toContain(answerFormat(text));
    },
    throws: (error) => error instanceof ApiProblem && error.code === "not_acceptable",
    bytesMax: 16 * 1024,
    heavy: {
      digits: filled("9"),
      commas: filled(","),
      semicolons: filled(";q=1"),
      "an instant": filled("0", "2026-10-31T22:00:00.", "Z"),
      blanks: filled(" "),
    },
  }),
  decoder({
    name: "the keys file",
    samples: [`# keys\n${JSON.stringify({ name: "billing", sha256: "0".repeat(64), scopes: ["billing"] })}\n`].map(
      (text) => Buffer.from(text),
    ),
    generated: oddJson(["name", "sha256", "scopes"]),
    decode: (bytes) => keyRing(parseKeys(bytes.toString()))("mb_x"),
    throws: (error) =>
      error.name === "Error" &&
      /^(line \d+|two |more than |there is )/.test(error.message) &&
      error.message.length < 20_000,
    heavy: {
      "wrong lines": many(() => "{}\n"),
      "scopes of one": many(() => '"x"', '{"name":"a","scopes":[', "]}", ","),
      "carriage returns": filled("\r"),
    },
  }),
  decoder({
    name: "the settings file",
    samples: [
      "METERBOOK_HTTP_LISTEN=127.0.0.1:8080\nMETERBOOK_INFLUX_URL=http://a:8086=00-7f,http://b:8086=80-ff\nMETERBOOK_KAFKA_BROKERS=a:1\n",
    ].map((text) => Buffer.from(text)),
    decode: (bytes) => loadSettings({}, { envFile: bytes.toString() }),
    check: (result) => must(result.ok || result.problems.length > 0, "told"),
    throws: never,
    heavy: {
      "unknown settings": many((i) => `METERBOOK${"_"}X${i}=1\n`),
      "a URL": filled("//", "METERBOOK_INFLUX_URL=http://", "@x"),
      servers: many(() => "http://a:1=00-7f", "METERBOOK_INFLUX_URL=", "", ","),
      brokers: many(() => "a:1", "METERBOOK_KAFKA_BROKERS=", "", ","),
      "an equals sign": filled("=", "METERBOOK_INFLUX_URL="),
    },
  }),
];
