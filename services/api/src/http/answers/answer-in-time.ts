import { messageOf } from "@meterbook/core/ports/adapter-error";
import type { FastifyReply } from "fastify";
import type { Api } from "../../api-context.ts";
import type { ApiPorts } from "../../api-ports.ts";
import { ApiProblem, problemDocument, problemType } from "../problems/problem.ts";

export interface AnswerTimes {
  /** After so long without a first byte it is asked whether we can work at all. */
  readonly firstMs: number;
  /** And then again, so often. */
  readonly againMs: number;
}

/** What tells how we are must not depend on how we are. */
const own = new Set(["/healthz", "/readyz", "/metrics"]);

/**
 * A call that has no answer yet while something keeps the service from its work gets a 503 that names it, instead of
 * waiting for what may never come (D05). A call that is slow because it works goes on. A stream that has begun is left
 * to its connection.
 */
export function answerInTime(app: Api, health: ApiPorts["health"], times: AnswerTimes): void {
  app.addHook("onRequest", async (request, reply) => {
    if (own.has(request.routeOptions.url ?? "")) return;
    let timer = setTimeout(look, times.firstMs);
    reply.raw.once("close", () => clearTimeout(timer));

    function look(): void {
      if (reply.raw.headersSent || reply.raw.destroyed) return;
      timer = setTimeout(look, times.againMs);
      health().then(
        ({ problems }) => problems.length > 0 && refuse(reply, problems),
        (error: unknown) => refuse(reply, [messageOf(error)]),
      );
    }
  });
}

function refuse(reply: FastifyReply, problems: readonly string[]): void {
  const { raw } = reply;
  if (raw.headersSent || raw.destroyed) return;
  const detail = `${problems.join("; ")}. What was asked may still be done; asking again does no harm`;
  const problem = new ApiProblem("storage_unavailable", detail, { headers: { "retry-after": "5" } });
  // What the handler answers later comes too late; a stream ends with its connection's answer.
  reply.hijack();
  const headers = { ...reply.getHeaders(), ...problem.headers, "content-type": problemType };
  raw.writeHead(problem.status, headers as Record<string, string>).end(JSON.stringify(problemDocument(problem)));
}
