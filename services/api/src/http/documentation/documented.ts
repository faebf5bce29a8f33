import { z } from "zod";
import type { ProblemCode } from "../problems/problem.ts";
import { ApiProblem, problemDocument, problems, problemType } from "../problems/problem.ts";
import { formats } from "../requests/answer-format.ts";

/** One way in which a route answers: what fastify and OpenAPI read of it is `schema`, `example` is for the page. */
export interface DocumentedContent {
  readonly schema: z.ZodType;
  readonly example: unknown;
}

export interface DocumentedAnswer {
  readonly description: string;
  readonly content: Readonly<Record<string, DocumentedContent>>;
}

export type DocumentedAnswers = Readonly<Record<number, DocumentedAnswer>>;

const problemSchema = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(problems) as [ProblemCode, ...ProblemCode[]]),
    detail: z.string(),
    errors: z.array(z.strictObject({ field: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: "Problem", description: "RFC 9457; `code` is stable" });

/** Problems that every call can answer with. */
const everywhere: readonly ProblemCode[] = [
  "request_invalid",
  "key_missing",
  "key_unknown",
  "scope_missing",
  "internal",
  "storage_unavailable",
];

/** A JSON answer and the problems that the call may end in, beside those that any call may. */
export function answers(
  description: string,
  schema: z.ZodType,
  example: unknown,
  codes: readonly ProblemCode[] = [],
): DocumentedAnswers {
  return {
    200: { description, content: { [formats.json]: { schema, example } } },
    ...problemAnswers([...everywhere, ...codes]),
  };
}

const file = z.string().meta({ format: "binary", description: "The cells of the CSV; instants are UTC" });

/** A page of JSON, or a stream: lines of NDJSON or CSV, or a file for spreadsheets or analysts. */
export function listAnswers(
  description: string,
  item: z.ZodType,
  example: unknown,
  csvExample: string,
  codes: readonly ProblemCode[] = [],
): DocumentedAnswers {
  const content = {
    [formats.json]: { schema: pageOf(item), example: { items: [example], nextCursor: "eyJrIjoi…" } },
    [formats.ndjson]: { schema: z.string(), example: `${JSON.stringify(example)}\n` },
    [formats.csv]: { schema: z.string(), example: csvExample },
    [formats.xlsx]: { schema: file, example: "" },
    [formats.parquet]: { schema: file, example: "" },
  };
  return {
    200: { description, content },
    ...problemAnswers([...everywhere, "cursor_invalid", "not_acceptable", "too_many_exports", ...codes]),
  };
}

export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({ items: z.array(item), nextCursor: z.string().optional() });
}

/** The same answers with another JSON form, for lists that have more to say than their items. */
export function withJson(answered: DocumentedAnswers, schema: z.ZodType, example: unknown): DocumentedAnswers {
  const { description, content } = answered[200] as DocumentedAnswer;
  return { ...answered, 200: { description, content: { ...content, [formats.json]: { schema, example } } } };
}

function problemAnswers(codes: readonly ProblemCode[]): DocumentedAnswers {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of codes) byStatus.set(problems[code][0], [...(byStatus.get(problems[code][0]) ?? []), code]);
  return Object.fromEntries([...byStatus].map(([status, same]) => [status, problemAnswer(same)]));
}

function problemAnswer(codes: readonly ProblemCode[]): DocumentedAnswer {
  const example = problemDocument(
    new ApiProblem(codes.at(-1) ?? "internal", "what exactly is wrong, with the name of the field"),
  );
  const description = codes.map((code) => `\`${code}\`: ${problems[code][1]}`).join("; ");
  return { description, content: { [problemType]: { schema: problemSchema, example } } };
}
