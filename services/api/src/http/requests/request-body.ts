import { isUtf8 } from "node:buffer";
import { messageOf } from "@meterbook/core/ports/adapter-error";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import type { Api } from "../../api-context.ts";
import { ApiProblem, requestInvalid } from "../problems/problem.ts";
import { formats } from "./answer-format.ts";
import { entriesOfJson, misreadJson } from "./json-text.ts";

/** JSON in UTF-8 is the only body that a call takes, unless it says otherwise (the import). */
export function takeJsonBodies(app: Api): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.removeContentTypeParser(["application/json", "text/plain"]);
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => {
    const bytes = body as Buffer;
    if (bytes.length === 0 && !takesBody(request)) return done(null, undefined);
    if (!isUtf8(bytes)) return done(new ApiProblem("json_invalid", "the body: is not UTF-8"), undefined);
    const text = bytes.toString();
    const entries = entriesOfJson(text);
    if (typeof entries === "string") return done(requestInvalid([{ field: "body", message: entries }]), undefined);
    void parse(request, text, (error, value) => {
      const why = error === null ? misreadJson(text, value, entries) : undefined;
      if (why !== undefined) return done(new ApiProblem("json_invalid", `the body: ${why}`), undefined);
      return error === null ? done(null, value) : done(unreadable(text), undefined);
    });
  });
  app.addHook("onRequest", async (request) => {
    const { "content-encoding": encoding = "identity", "content-type": type = "" } = request.headers;
    if (encoding.toLowerCase() !== "identity")
      throw new ApiProblem(
        "media_type_unsupported",
        `content-encoding: ${encoding} is not taken; send the body as it is`,
      );
    const charset = /;\s*charset="?([^";\s]+)/i.exec(type)?.[1] ?? "utf-8";
    if (!/^utf-?8$|^us-ascii$/i.test(charset))
      throw new ApiProblem(
        "media_type_unsupported",
        `content-type: the body must be UTF-8, and is said to be ${charset}`,
      );
  });
  app.addHook("preValidation", async (request) => {
    if (!takesBody(request) && !isNothing(request.body))
      throw requestInvalid([{ field: "body", message: "this call takes no body" }]);
  });
}

function takesBody({ routeOptions: { schema } }: FastifyRequest): boolean {
  return schema?.body !== undefined || (schema as { consumes?: unknown } | undefined)?.consumes !== undefined;
}

/** `{}` is what some clients send for nothing. */
function isNothing(body: unknown): boolean {
  return body === undefined || body === null || (z.strictObject({}).safeParse(body).success && !Array.isArray(body));
}

function unreadable(text: string): ApiProblem {
  if (text.trim() === "") return new ApiProblem("json_invalid", "the body is empty; this call takes a JSON object");
  try {
    JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    const words = messageOf(error);
    return new ApiProblem("json_invalid", `the body: ${words.slice(0, 200)}`);
  }
  return new ApiProblem("json_invalid", "the body: no member may be named __proto__ or constructor.prototype");
}

/** What is taken, and what came. */
export function mediaTypeUnsupported({ headers, routeOptions: { schema } }: FastifyRequest): ApiProblem {
  const { consumes = [formats.json] } = (schema ?? {}) as { consumes?: readonly string[] };
  const sent = headers["content-type"]?.slice(0, 100);
  const came = sent === undefined ? "the request names none" : `the request says ${sent}`;
  const field = "content-type";
  const message = `this call takes ${consumes.join(" or ")}; ${came}`;
  return new ApiProblem("media_type_unsupported", `${field}: ${message}`, { errors: [{ field, message }] });
}
