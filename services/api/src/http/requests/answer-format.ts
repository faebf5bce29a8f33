import { ApiProblem } from "../problems/problem.ts";

export const formats = {
  json: "application/json",
  ndjson: "application/x-ndjson",
  csv: "text/csv",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  parquet: "application/vnd.apache.parquet",
} as const;
export type Format = keyof typeof formats;
/** What is sent as a stream. */
export type StreamFormat = Exclude<Format, "json">;

/** As what the rows of a stream are made: the files of tables are made of its CSV, so that all have the same cells. */
export function rowsAs(format: StreamFormat): "ndjson" | "csv" {
  return format === "ndjson" ? "ndjson" : "csv";
}

const byRange: ReadonlyMap<string, Format> = new Map([
  ...(Object.entries(formats) as [Format, string][]).map(([format, type]) => [type, format] as const),
  ["*/*", "json"],
  ["application/*", "json"],
  ["text/*", "csv"],
]);

/**
 * The format that an Accept header likes best; JSON where there is none.
 * @throws ApiProblem `not_acceptable`
 */
export function answerFormat(accept: string | undefined): Format {
  if (accept === undefined || accept.trim() === "") return "json";
  let best: { format: Format; quality: number } | undefined;
  for (const part of accept.split(",")) {
    const [range = "", ...parameters] = part.split(";").map((piece) => piece.trim().toLowerCase());
    const format = byRange.get(range);
    const quality = Number(parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? 1);
    if (format !== undefined && quality > (best?.quality ?? 0)) best = { format, quality };
  }
  if (best === undefined)
    throw new ApiProblem("not_acceptable", `Accept: ${Object.values(formats).join(", ")} are offered`);
  return best.format;
}

/** Whether an answer is made of the list's CSV. */
export function isTable(accept: string | undefined): boolean {
  const format = answerFormat(accept);
  return format !== "json" && rowsAs(format) === "csv";
}
