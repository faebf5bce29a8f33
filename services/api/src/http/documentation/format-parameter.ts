import type { Api } from "../../api-context.ts";
import { requestInvalid } from "../problems/problem.ts";
import { formats } from "../requests/answer-format.ts";
import type { DocumentedAnswers } from "./documented.ts";

/** `?format=` stands for the Accept header on calls that have several formats: a browser cannot send the other one. */
export const formatParameter = {
  name: "format",
  in: "query",
  required: false,
  description: "Stands for the `Accept` header",
  schema: { type: "string", enum: Object.keys(formats) },
};

export function hasFormats(schema: unknown): boolean {
  const answers = (schema as { response?: DocumentedAnswers } | undefined)?.response;
  return answers?.[200]?.content[formats.csv] !== undefined;
}

export function takeFormats(app: Api): void {
  app.addHook("onRequest", async (request, reply) => {
    if (hasFormats(request.routeOptions.schema)) reply.header("vary", "accept");
  });
  app.addHook("preValidation", async (request) => {
    const query = request.query as Record<string, unknown>;
    const { format } = query;
    if (format === undefined || !hasFormats(request.routeOptions.schema)) return;
    if (typeof format !== "string" || !Object.hasOwn(formats, format))
      throw requestInvalid([{ field: "format", message: `is one of ${Object.keys(formats).join(", ")}` }]);
    request.headers.accept = formats[format as keyof typeof formats];
    delete query["format"];
  });
}
