import type { Socket } from "node:net";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Api } from "../../api-context.ts";
import type { ApiEvents } from "../../api-events.ts";
import type { WebPages } from "../pages/web-pages.ts";
import { fieldErrors } from "../problems/plain-words.ts";
import { ApiProblem, problemDocument, problemType, requestInvalid } from "../problems/problem.ts";
import { mediaTypeUnsupported } from "../requests/request-body.ts";
import { answerAndDrain, type DrainBounds, isUnread } from "./answer-and-drain.ts";

/** Every error leaves as a problem document, and what is our fault is told to `events`. */
export function answerErrors(app: Api, events: ApiEvents, bounds: DrainBounds): void {
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error, request);
    if (problem.status >= 500 && !(error instanceof ApiProblem)) {
      events.requestFailed({ route: request.routeOptions.url ?? request.url, code: problem.code, cause: error });
    }
    if (problem.status !== 413 || !isUnread(reply)) return sendProblem(reply, problem);
    answerAndDrain(reply, problem, bounds);
    return reply;
  });
}

export function sendProblem(reply: FastifyReply, problem: ApiProblem): FastifyReply {
  // A stream that failed before its first byte may have said how it would be packed.
  return reply
    .removeHeader("content-encoding")
    .code(problem.status)
    .headers(problem.headers)
    .type(problemType)
    .send(JSON.stringify(problemDocument(problem)));
}

const retryHeaders = { "retry-after": "5" };

function problemOf(error: unknown, request: FastifyRequest): ApiProblem {
  if (error instanceof ApiProblem) return error;
  if (error instanceof AdapterError) {
    const { code } = error;
    // Nobody's fault and no fault of the call: what is damaged is named, and is mended elsewhere.
    if (code === "record_damaged" || code === "store_damaged")
      return new ApiProblem(code, error.message, { cause: error });
    const headers = error.retryable ? retryHeaders : {};
    // What names a setting is for whoever may mend it; the rest is in the log.
    const said = error.message.includes("METERBOOK_") ? error.message : error.code;
    return new ApiProblem("storage_unavailable", `the storage failed: ${said}`, { cause: error, headers });
  }
  const known = error as Partial<FastifyError>;
  if (known.validation !== undefined) return invalid(request, known.validationContext);
  return (
    bodyProblem(known, request) ??
    new ApiProblem("internal", "the call failed for a reason of our own; it was logged", { cause: error })
  );
}

function bodyProblem(
  { code = "", statusCode = 500, message = "" }: Partial<FastifyError>,
  request: FastifyRequest,
): ApiProblem | undefined {
  if (statusCode === 413) return new ApiProblem("body_too_large", "the body is larger than this call takes");
  if (statusCode === 415) return mediaTypeUnsupported(request);
  if (code === "FST_ERR_BAD_URL") return new ApiProblem("url_invalid", message);
  return statusCode >= 400 && statusCode < 500 ? new ApiProblem("json_invalid", `the body: ${message}`) : undefined;
}

const parts = ["params", "body", "querystring"] as const;

/**
 * Fastify stops at the first part of a request that is wrong; a caller wants to hear of all of them. Parts before the
 * failing one were right (and are converted by now), so the check is taken up from there.
 */
function invalid(request: FastifyRequest, context: string | undefined): ApiProblem {
  const from = Math.max(parts.indexOf(context as (typeof parts)[number]), 0);
  const errors = parts.slice(from).flatMap((part) => {
    const schema = request.routeOptions.schema?.[part];
    if (!(schema instanceof z.ZodType)) return [];
    const value = part === "querystring" ? request.query : request[part];
    const result = schema.safeParse(value);
    return result.success ? [] : fieldErrors(result.error.issues, part);
  });
  if (errors.length > 0 && errors.every(({ field }) => field === "period")) {
    return new ApiProblem("period_invalid", errors.map(({ message }) => message).join("; "), { errors });
  }
  return requestInvalid(errors);
}

/** 404, or 405 with the methods that the address does have. `page` may answer a browser. */
export function answerUnknownRoutes(app: Api, page: WebPages["unknown"] = () => undefined): void {
  const routes: { readonly path: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook("onRoute", ({ url, method }) => {
    if (!url.includes("*")) routes.push({ path: pathPattern(url), methods: [method].flat() });
  });
  // Before the body is looked at, and for methods that the framework knows nothing of.
  app.addHook("onRequest", async (request, reply) => {
    if (!request.is404) return;
    const path = request.url.split("?", 1)[0] ?? "";
    const methods = routes.filter((route) => route.path.test(path)).flatMap((route) => route.methods);
    if (methods.length === 0) return page(request, reply) ?? sendProblem(reply, unknownRoute(path));
    const allow = [...new Set(methods)].sort().join(", ");
    return sendProblem(reply, new ApiProblem("method_not_allowed", `${path} takes ${allow}`, { headers: { allow } }));
  });
  app.server.on("connect", (_request, socket) => {
    const body = JSON.stringify(problemDocument(new ApiProblem("method_not_allowed", "this is no proxy")));
    socket.on("error", () => socket.destroy());
    socket.end(
      `HTTP/1.1 405 Refused\r\nallow: GET, HEAD, POST, PUT\r\ncontent-type: ${problemType}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
      () => socket.destroy(),
    );
  });
}

function unknownRoute(path: string): ApiProblem {
  return new ApiProblem("route_unknown", `there is no ${path}; GET /openapi.json lists all`);
}

function pathPattern(url: string): RegExp {
  const parts = url.split(/(::|:\w+)/).map((part) => {
    if (part === "::") return ":";
    return part.startsWith(":") ? "[^/]+" : part.replaceAll(/[.\\+*?[^\]$(){}=!<>|]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`);
}

export const lateRequest = Object.assign(new Error("late"), { code: "ERR_HTTP_REQUEST_TIMEOUT" });

/** What is not HTTP, or too large to be read as it, never reaches a route. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy(error);
    return;
  }
  const problem =
    error.code === "HPE_HEADER_OVERFLOW"
      ? new ApiProblem("headers_too_large", "the request's headers are larger than this server takes")
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? new ApiProblem("request_timeout", "the request did not arrive in time")
        : new ApiProblem("request_malformed", "the request cannot be read as HTTP/1.1");
  const body = JSON.stringify(problemDocument(problem));
  const head = `HTTP/1.1 ${problem.status} Refused\r\ncontent-type: ${problemType}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`;
  // Who does not take the answer, or goes on sending, is not waited for.
  socket.end(head + body, () => socket.destroy());
  setTimeout(() => socket.destroy(), 1000).unref();
}
