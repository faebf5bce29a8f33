import type { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Api } from "../../api-context.ts";
import type { ApiLimits } from "../../api-settings.ts";
import { ApiProblem } from "../../http/problems/problem.ts";
import { formats } from "../../http/requests/answer-format.ts";
import { mediaTypeUnsupported } from "../../http/requests/request-body.ts";
import type { Line } from "../../http/requests/split-lines.ts";
import { splitLines } from "../../http/requests/split-lines.ts";
import { importAnswer } from "./import-answer.ts";
import type { ImportResult } from "./import-rows.ts";

const lineBytesMax = 64 * 1024;
const count = z.int().min(0);

/** What became of each record of an import. */
export function importSchemaOf<Member extends string>(idMember: Member) {
  const id = { [idMember]: z.string().nullable() } as Record<Member, z.ZodNullable<z.ZodString>>;
  return z.strictObject({
    stored: count.meta({ description: "Records" }),
    refused: count,
    errorsLeftOut: count.meta({ description: "Errors of refused records that the answer had no room for" }).optional(),
    results: z.array(
      z.strictObject({
        line: z.int().min(1).meta({ description: "The record's first line" }),
        lines: z.int().min(1),
        ...id,
        status: z.enum(["stored", "refused"]),
        errors: z.array(z.strictObject({ field: z.string(), message: z.string() })).optional(),
      }),
    ),
  });
}

/** Bodies of lines are read as they come, so routes within alone take them: elsewhere they are refused with 415. */
export function takingLines(app: Api, routes: (scope: Api) => void): void {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser([formats.ndjson, formats.csv], (_request, payload, done) => done(null, payload));
    routes(scope as unknown as Api);
  });
}

export interface Import {
  readonly idMember: string;
  run(lines: AsyncIterable<Line>, isCsv: boolean, tell: (result: ImportResult) => void): Promise<void>;
}

/** Runs an import on the body's lines, and answers what became of them. */
export async function answerImport(
  request: FastifyRequest,
  reply: FastifyReply,
  { importLinesMax, importBytesMax }: Pick<ApiLimits, "importLinesMax" | "importBytesMax">,
  { idMember, run }: Import,
): Promise<FastifyReply> {
  if (request.body === undefined) throw mediaTypeUnsupported(request);
  // Where it is refused half way, what is left of it is still to be drained.
  const body = (request.body as Readable).iterator({ destroyOnReturn: false });
  const split = splitLines(body, { lineBytesMax, bytesMax: importBytesMax }, () => {
    throw tooLarge("body_too_large", `the body is larger than ${importBytesMax} bytes`);
  });
  const isCsv = request.headers["content-type"]?.toLowerCase().startsWith(formats.csv) === true;
  const answer = importAnswer(idMember);
  await run(atMost(split, importLinesMax), isCsv, answer.add);
  const { bytes, stream } = answer.end();
  return reply.type("application/json; charset=utf-8").header("content-length", bytes).send(stream);
}

async function* atMost(lines: AsyncIterable<Line>, max: number): AsyncGenerator<Line> {
  for await (const line of lines) {
    if (line.number > max) throw tooLarge("import_too_large", `more than ${max} lines; split the file`);
    yield line;
  }
}

/** What lies before the bound may be stored already, and what lies after it is not read: the connection ends here. */
function tooLarge(code: "body_too_large" | "import_too_large", detail: string): ApiProblem {
  return new ApiProblem(code, `${detail}. What lines before say may be stored; sending them again does no harm`, {
    headers: { connection: "close" },
  });
}
