import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { Registry } from "@meterbook/core/ports/registry";
import { fieldErrors } from "../http/problems/plain-words.ts";
import type { FieldError } from "../http/problems/problem.ts";
import type { Line } from "../http/requests/split-lines.ts";
import type { Candidate, ImportResult, Judged, LineForm } from "./imports/import-rows.ts";
import { csvRecords, importRecords, jsonRecords } from "./imports/import-rows.ts";
import type { MeterCsvColumn } from "./meter-csv.ts";
import { meterCsvColumns, meterOfRows, placedInCsv } from "./meter-csv.ts";
import { registersMax, unfitMembers } from "./meter-record-checks.ts";
import { meterRecord, meterRecordSchema } from "./meter-record-json.ts";
import { type SetOutcome, setMeters } from "./set-meters.ts";

const form: LineForm<MeterCsvColumn> = {
  columns: meterCsvColumns,
  required: ["meter_id", "register", "unit"],
  idColumn: "meter_id",
  idMember: "meterId",
  rowsMax: registersMax,
};

/** A record per line. */
export function meterLines(lines: AsyncIterable<Line>): AsyncGenerator<Candidate> {
  return jsonRecords(lines, form);
}

/** A record per run of rows with the same meter id. */
export function meterRows(lines: AsyncIterable<Line>): AsyncGenerator<Candidate> {
  return csvRecords(lines, form, ({ line, rows }) => {
    const { record, differing } = meterOfRows(rows);
    const errors = differing.map((field) => ({ field, message: "differs between the rows of the meter" }));
    return { record, errors, placed: (error) => placedInCsv(error, rows, line) };
  });
}

/** Sets the records of many meters, each for itself. */
export function importMeters(
  candidates: AsyncIterable<Candidate>,
  registry: Pick<Registry, "apply" | "meterVersion">,
  { by, tell }: { readonly by: string; readonly tell: (result: ImportResult) => void },
): Promise<void> {
  const store = async (records: readonly MeterRecord[]) => (await setMeters(registry, records, { by })).map(errorsOf);
  return importRecords(candidates, { judge: judgeMeter, store, tell });
}

function errorsOf(outcome: SetOutcome): readonly FieldError[] {
  if (outcome.outcome === "fault") return [outcome.fault];
  if (outcome.outcome === "stored") return [];
  return [{ field: "record", message: `is changed by others all the time, and has version ${outcome.version} now` }];
}

/** A list of meters names strangers too: sent back, it registers none of them. */
const unregistered: FieldError = {
  field: "registered",
  message: "is false: nobody has registered this meter; leave it out to register the meter",
};

function judgeMeter(candidate: Candidate): Judged<MeterRecord> {
  const { line, lines, record: sent, errors, placed = (error) => error } = candidate;
  if (sent === undefined) return { result: { line, lines, id: null, errors } };
  const named: unknown = Object(sent).meterId;
  const id = typeof named === "string" ? named : null;
  if (Object(sent).registered === false) return { result: { line, lines, id, errors: [...errors, unregistered] } };
  // Before the schema, which would tell of each one.
  const many = unfitMembers(sent);
  if (many.length > 0) return { result: { line, lines, id, errors: [...errors, ...many] } };
  const parsed = meterRecordSchema.safeParse(sent);
  const absent = id === null && (parsed.success || !parsed.error.issues.some(({ path }) => path[0] === "meterId"));
  const found = [
    ...errors,
    ...[
      ...(absent ? [{ field: "meterId", message: "is required" }] : []),
      ...(parsed.success ? [] : fieldErrors(parsed.error.issues, "record")),
    ].map(placed),
  ];
  const result = { line, lines, id, errors: found };
  return found.length > 0 || !parsed.success
    ? { result }
    : { result, item: meterRecord(parsed.data, parsed.data.meterId ?? "") };
}
