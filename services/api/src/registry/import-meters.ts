import { setImmediate as nextTurn } from "node:timers/promises";
import { isId } from "@meterbook/core/domain/reading/identifiers";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import { fieldErrors } from "../http/problems/plain-words.ts";
import type { FieldError } from "../http/problems/problem.ts";
import { requestInvalid } from "../http/problems/problem.ts";
import { bodyExcess } from "../http/requests/body-excess.ts";
import type { Line } from "../http/requests/split-lines.ts";
import type { MeterCsvColumn, MeterCsvRow } from "./meter-csv.ts";
import { csvCells, meterCsvColumns, meterOfRows, placedInCsv } from "./meter-csv.ts";
import { meterRecord, meterRecordSchema, registersMax, unfitMembers } from "./meter-record-json.ts";

/** What became of the lines of one meter. */
export interface ImportResult {
  /** The first line, from 1, and how many there are (CSV has one per register). */
  readonly line: number;
  readonly lines: number;
  readonly meterId: string | null;
  readonly errors: readonly FieldError[];
}

/** A meter as it was found in the body, before it is validated. */
interface Candidate {
  readonly line: number;
  readonly lines: number;
  readonly record: unknown;
  /** What is wrong with the lines themselves. */
  readonly errors: readonly FieldError[];
  /** Where the record has its names from, when they are not those of JSON. */
  readonly placed?: (error: FieldError) => FieldError;
}

const batchMax = 500;
/** Others wait no longer than this, and a line. */
const turnMsMax = 8;

/** Validates and stores meters as they come, a batch at a time; a wrong one does not keep the others out. */
export async function importMeters(
  candidates: AsyncIterable<Candidate>,
  put: (records: readonly MeterRecord[]) => Promise<void>,
  tell: (result: ImportResult) => void,
): Promise<void> {
  let batch: MeterRecord[] = [];
  let turnMs = performance.now();
  for await (const candidate of candidates) {
    const { result, record } = readCandidate(candidate);
    tell(result);
    if (record !== undefined) batch.push(record);
    if (batch.length >= batchMax) {
      await put(batch);
      batch = [];
    }
    if (performance.now() - turnMs < turnMsMax) continue;
    await nextTurn();
    turnMs = performance.now();
  }
  if (batch.length > 0) await put(batch);
}

function readCandidate({ line, lines, record: sent, errors, placed = (error) => error }: Candidate): {
  result: ImportResult;
  record?: MeterRecord;
} {
  if (sent === undefined) return { result: { line, lines, meterId: null, errors } };
  const named: unknown = Object(sent).meterId;
  const meterId = typeof named === "string" ? named : null;
  // Before the schema, which would tell of each one.
  const many = unfitMembers(sent);
  if (many.length > 0) return { result: { line, lines, meterId, errors: [...errors, ...many] } };
  const parsed = meterRecordSchema.safeParse(sent);
  const absent = meterId === null && (parsed.success || !parsed.error.issues.some(({ path }) => path[0] === "meterId"));
  const found = [
    ...errors,
    ...[
      ...(absent ? [{ field: "meterId", message: "is required" }] : []),
      ...(parsed.success ? [] : fieldErrors(parsed.error.issues, "record")),
    ].map(placed),
  ];
  const result = { line, lines, meterId, errors: found };
  return found.length > 0 || !parsed.success
    ? { result }
    : { result, record: meterRecord(parsed.data, parsed.data.meterId ?? "") };
}

const tooLong = "is longer than a line may be";
/** Not parsed: a thousand lines of nothing in a kilobyte would take milliseconds. */
const recordLengthMin = '{"meterId":"m"}'.length;
const tooShort = "is shorter than any record, which names its meterId";

/** A record per line. Empty lines are skipped. */
export async function* meterLines(lines: AsyncIterable<Line>): AsyncGenerator<Candidate> {
  for await (const { number: line, text } of lines) {
    if (text === "") continue;
    if (line === 1) refuseOtherForms(text ?? "");
    const message = text === undefined ? tooLong : text.length < recordLengthMin ? tooShort : bodyExcess(text);
    const record = text === undefined || message !== undefined ? undefined : jsonOf(text);
    const errors = record === undefined ? [{ field: "line", message: message ?? "is not JSON" }] : [];
    yield { line, lines: 1, record, errors };
  }
}

/** The first line tells a CSV and a list from lines of JSON: better one answer than one per line. */
function refuseOtherForms(first: string): void {
  if (/^\s*\[/.test(first))
    throw requestInvalid([
      { field: "body", message: "is a list; send one record a line, without brackets and commas" },
    ]);
  if (/\bmeter_id\b/.test(first) && !first.trimStart().startsWith("{"))
    throw requestInvalid([{ field: "content-type", message: "the body looks like CSV; send it as text/csv" }]);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * A record per run of rows with the same meter id, under a header that names the columns in any order.
 * @throws ApiProblem where the header is wrong: then no row can be understood
 */
export async function* meterRows(lines: AsyncIterable<Line>): AsyncGenerator<Candidate> {
  const seen = new Set<string>();
  let run: Run | undefined;
  for await (const { line, row, errors } of rowsOf(lines)) {
    if (row !== undefined && run?.rows[0].meter_id === row.meter_id) {
      run.lines += 1;
      // One more than may be: then the record is refused, and what follows is only counted.
      if (run.rows.length <= registersMax) run.rows.push(row);
      continue;
    }
    if (run !== undefined) yield candidateOf(run, seen);
    run = row === undefined ? undefined : { line, lines: 1, rows: [row] };
    if (row === undefined) yield { line, lines: 1, record: undefined, errors };
  }
  if (run !== undefined) yield candidateOf(run, seen);
}

interface Run {
  readonly line: number;
  lines: number;
  readonly rows: [MeterCsvRow, ...MeterCsvRow[]];
}

interface Row {
  readonly line: number;
  /** Undefined where the line is no row, for the reason in `errors`. */
  readonly row: MeterCsvRow | undefined;
  readonly errors: readonly FieldError[];
}

async function* rowsOf(lines: AsyncIterable<Line>): AsyncGenerator<Row> {
  let header: readonly MeterCsvColumn[] | undefined;
  for await (const { number: line, text } of lines) {
    if (text === "") continue;
    if (header === undefined) {
      header = headerOf(text ?? "");
      continue;
    }
    const row = rowOf(header, text);
    const message = text === undefined ? tooLong : `is not CSV with ${header.length} cells, as the header has`;
    yield { line, row, errors: row === undefined ? [{ field: "line", message }] : [] };
  }
}

const separators = [
  [";", "semicolons"],
  ["\t", "tabs"],
] as const;

/** What else the first line may be, before every name in it is found wrong. */
function hintOf(text: string): FieldError | undefined {
  if (/^\s*[{[]/.test(text))
    return {
      field: "content-type",
      message: "the body looks like JSON; send records as application/x-ndjson, one a line",
    };
  const used = separators.find(([separator]) => !text.includes(",") && text.includes(separator));
  return used && { field: "header", message: `is this separated by ${used[1]}? Cells are separated by commas here` };
}

function headerOf(text: string): readonly MeterCsvColumn[] {
  const hint = hintOf(text);
  if (hint !== undefined) throw requestInvalid([hint]);
  const names = csvCells(text) ?? [];
  const errors = names
    .filter((name) => !meterCsvColumns.some((column) => column === name))
    .map((name) => ({
      field: `header.${name}`,
      message: `there is no such column; there are ${meterCsvColumns.join(", ")}`,
    }));
  for (const column of ["meter_id", "register", "unit"]) {
    if (!names.includes(column)) errors.push({ field: `header.${column}`, message: "the column is missing" });
  }
  if (new Set(names).size < names.length) errors.push({ field: "header", message: "a column is there twice" });
  if (errors.length > 0) throw requestInvalid(errors);
  return names as MeterCsvColumn[];
}

function rowOf(header: readonly MeterCsvColumn[], text: string | undefined): MeterCsvRow | undefined {
  const cells = text === undefined ? undefined : csvCells(text);
  if (cells?.length !== header.length) return undefined;
  const named = new Map(header.map((column, i) => [column, cells[i] ?? ""]));
  return Object.fromEntries(meterCsvColumns.map((column) => [column, named.get(column) ?? ""])) as Record<
    MeterCsvColumn,
    string
  >;
}

/** A second run would replace the meter of the first one by a part of it. */
function candidateOf({ line, lines, rows }: Run, seen: Set<string>): Candidate {
  const { record, differing } = meterOfRows(rows);
  const { meter_id: id } = rows[0];
  const errors = differing.map((field) => ({ field, message: "differs between the rows of the meter" }));
  if (seen.has(id))
    errors.push({ field: "meter_id" as MeterCsvColumn, message: "the rows of a meter must stand together" });
  // What is no id is refused anyway, and may be long.
  if (isId(id)) seen.add(id);
  return { line, lines, record, errors, placed: (error) => placedInCsv(error, rows, line) };
}
