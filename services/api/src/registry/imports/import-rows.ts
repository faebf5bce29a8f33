import { setImmediate as nextTurn } from "node:timers/promises";
import { isId } from "@meterbook/core/domain/reading/identifiers";
import type { FieldError } from "../../http/problems/problem.ts";
import { requestInvalid } from "../../http/problems/problem.ts";
import { csvCells } from "../../http/requests/csv-cells.ts";
import { entriesOfJson, misreadJson } from "../../http/requests/json-text.ts";
import type { Line } from "../../http/requests/split-lines.ts";

/** What became of the lines of one record. */
export interface ImportResult {
  /** The first line, from 1, and how many there are (CSV may have several). */
  readonly line: number;
  readonly lines: number;
  readonly id: string | null;
  readonly errors: readonly FieldError[];
}

/** A record as it was found in the body, before it is validated. */
export interface Candidate {
  readonly line: number;
  readonly lines: number;
  readonly record: unknown;
  /** What is wrong with the lines themselves. */
  readonly errors: readonly FieldError[];
  /** Where the record has its names from, when they are not those of JSON. */
  readonly placed?: (error: FieldError) => FieldError;
}

/** A candidate that was looked at; without an item where something is wrong with it. */
export interface Judged<Item> {
  readonly result: ImportResult;
  readonly item?: Item;
}

/** How records of one kind are imported. */
export interface ImportSteps<Item> {
  judge(candidate: Candidate): Judged<Item>;
  /** Answers for each item what is wrong with it; those with nothing are stored. */
  store(items: readonly Item[]): Promise<readonly (readonly FieldError[])[]>;
  tell(result: ImportResult): void;
}

const batchMax = 500;
/** Others wait no longer than this, and a line. */
const turnMsMax = 8;

/** Validates and stores records as they come, a batch at a time; a wrong one does not keep the others out. */
export async function importRecords<Item>(
  candidates: AsyncIterable<Candidate>,
  { judge, store, tell }: ImportSteps<Item>,
): Promise<void> {
  let batch: Judged<Item>[] = [];
  let turnMs = performance.now();

  async function giveWay(): Promise<void> {
    if (performance.now() - turnMs < turnMsMax) return;
    await nextTurn();
    turnMs = performance.now();
  }

  async function flush(): Promise<void> {
    const items = batch.flatMap(({ item }) => (item === undefined ? [] : [item]));
    const found = items.length === 0 ? [] : await store(items);
    let stored = 0;
    for (const { result, item } of batch) {
      const errors = item === undefined ? result.errors : (found[stored++] ?? []);
      tell({ ...result, errors });
      await giveWay();
    }
    batch = [];
  }

  for await (const candidate of candidates) {
    batch.push(judge(candidate));
    if (batch.length >= batchMax) await flush();
    await giveWay();
  }
  await flush();
}

/** What a kind of record is called in lines. */
export interface LineForm<Column extends string> {
  /** Also of the CSV's header, in any order. */
  readonly columns: readonly Column[];
  readonly required: readonly Column[];
  /** Rows with the same one are one record. */
  readonly idColumn: Column;
  /** The member of the same meaning. */
  readonly idMember: string;
  readonly rowsMax: number;
}

/** A record per line. Empty lines are skipped. */
export async function* jsonRecords<Column extends string>(
  lines: AsyncIterable<Line>,
  { idColumn, idMember }: LineForm<Column>,
): AsyncGenerator<Candidate> {
  // Not parsed: a thousand lines of nothing in a kilobyte would take milliseconds.
  const lengthMin = `{"${idMember}":"m"}`.length;
  const tooShort = `is shorter than any record, which names its ${idMember}`;
  for await (const sent of lines) {
    const { number: line, text } = sent;
    if (text === "") continue;
    if (line === 1) refuseOtherForms(text ?? "", idColumn);
    const read = text === undefined ? sent.fault : text.length < lengthMin ? tooShort : readRecord(text);
    if (typeof read === "string")
      yield { line, lines: 1, record: undefined, errors: [{ field: "line", message: read }] };
    else yield { line, lines: 1, record: read.record, errors: [] };
  }
}

function readRecord(text: string): { readonly record: unknown } | string {
  const entries = entriesOfJson(text);
  if (typeof entries === "string") return entries;
  const record = jsonOf(text);
  if (record === undefined) return "is not JSON";
  return misreadJson(text, record, entries) ?? { record };
}

/** The first line tells a CSV and a list from lines of JSON: better one answer than one per line. */
function refuseOtherForms(first: string, idColumn: string): void {
  if (/^\s*\[/.test(first))
    throw requestInvalid([
      { field: "body", message: "is a list; send one record a line, without brackets and commas" },
    ]);
  if (first.includes(idColumn) && !first.trimStart().startsWith("{"))
    throw requestInvalid([{ field: "content-type", message: "the body looks like CSV; send it as text/csv" }]);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export type CsvRow<Column extends string> = Readonly<Record<Column, string>>;

/** Rows of one record. */
export interface Run<Column extends string> {
  readonly line: number;
  lines: number;
  readonly rows: [CsvRow<Column>, ...CsvRow<Column>[]];
}

/**
 * A record per run of rows with the same id, under a header that names the columns in any order.
 * @throws ApiProblem where the header is wrong: then no row can be understood
 */
export async function* csvRecords<Column extends string>(
  lines: AsyncIterable<Line>,
  form: LineForm<Column>,
  candidateOf: (run: Run<Column>) => Omit<Candidate, "line" | "lines">,
): AsyncGenerator<Candidate> {
  const seen = new Set<string>();
  let run: Run<Column> | undefined;
  const done = (ended: Run<Column>): Candidate => {
    const { record, errors, ...more } = candidateOf(ended);
    const id = ended.rows[0][form.idColumn];
    // A second run would replace the record of the first one by a part of it.
    const apart = { field: form.idColumn, message: "the rows of one must stand together" };
    const all = seen.has(id) ? [...errors, apart] : errors;
    // What is no id is refused anyway, and may be long.
    if (isId(id)) seen.add(id);
    return { line: ended.line, lines: ended.lines, record, errors: all, ...more };
  };
  for await (const { line, row, errors } of rowsOf(lines, form)) {
    if (row !== undefined && run?.rows[0][form.idColumn] === row[form.idColumn]) {
      run.lines += 1;
      // One more than may be: then the record is refused, and what follows is only counted.
      if (run.rows.length <= form.rowsMax) run.rows.push(row);
      continue;
    }
    if (run !== undefined) yield done(run);
    run = row === undefined ? undefined : { line, lines: 1, rows: [row] };
    if (row === undefined) yield { line, lines: 1, record: undefined, errors };
  }
  if (run !== undefined) yield done(run);
}

interface Row<Column extends string> {
  readonly line: number;
  /** Undefined where the line is no row, for the reason in `errors`. */
  readonly row: CsvRow<Column> | undefined;
  readonly errors: readonly FieldError[];
}

async function* rowsOf<Column extends string>(
  lines: AsyncIterable<Line>,
  form: LineForm<Column>,
): AsyncGenerator<Row<Column>> {
  let header: readonly Column[] | undefined;
  for await (const sent of lines) {
    const { number: line, text } = sent;
    if (text === "") continue;
    if (header === undefined) {
      if (text === undefined) throw requestInvalid([{ field: "header", message: sent.fault }]);
      header = headerOf(text, form);
      continue;
    }
    const row = rowOf(header, text, form.columns);
    const message = text === undefined ? sent.fault : `is not CSV with ${header.length} cells, as the header has`;
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

function headerOf<Column extends string>(text: string, { columns, required }: LineForm<Column>): readonly Column[] {
  const hint = hintOf(text);
  if (hint !== undefined) throw requestInvalid([hint]);
  const names = csvCells(text) ?? [];
  const errors = names
    .filter((name) => !columns.some((column) => column === name))
    .map((name) => ({ field: `header.${name}`, message: `there is no such column; there are ${columns.join(", ")}` }));
  for (const column of required) {
    if (!names.includes(column)) errors.push({ field: `header.${column}`, message: "the column is missing" });
  }
  if (new Set(names).size < names.length) errors.push({ field: "header", message: "a column is there twice" });
  if (errors.length > 0) throw requestInvalid(errors);
  return names as Column[];
}

function rowOf<Column extends string>(
  header: readonly Column[],
  text: string | undefined,
  columns: readonly Column[],
): CsvRow<Column> | undefined {
  const cells = text === undefined ? undefined : csvCells(text);
  if (cells?.length !== header.length) return undefined;
  const named = new Map(header.map((column, i) => [column, cells[i] ?? ""]));
  return Object.fromEntries(columns.map((column) => [column, named.get(column) ?? ""])) as Record<Column, string>;
}
