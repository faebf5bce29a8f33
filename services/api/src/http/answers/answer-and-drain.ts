import type { FastifyReply } from "fastify";
import { type ApiProblem, problemDocument, problemType } from "../problems/problem.ts";

export interface DrainBounds {
  /** Of a body that was refused, what is still read and thrown away. */
  readonly drainBytesMax: number;
  readonly drainMs: number;
}

export const drainDefaults: DrainBounds = { drainBytesMax: 32 * 1024 * 1024, drainMs: 5000 };

/**
 * Answers a request whose body is not wanted, and then reads on for a while before the connection ends: what lies
 * unread in a socket when it closes makes the client's system throw away an answer that it has received.
 */
export function answerAndDrain(
  reply: FastifyReply,
  problem: ApiProblem,
  { drainBytesMax, drainMs }: DrainBounds,
): void {
  const { raw, request } = reply;
  const source = request.raw;
  const body = Buffer.from(JSON.stringify(problemDocument(problem)));
  const about = { "content-type": problemType, "content-length": body.length, connection: "close" };
  reply.hijack();
  raw.writeHead(problem.status, { ...(reply.getHeaders() as Record<string, string>), ...problem.headers, ...about });
  raw.write(body);
  const timer = setTimeout(end, drainMs);
  let left = drainBytesMax;
  source.on("data", (bytes: Buffer) => {
    left -= bytes.length;
    if (left < 0) end();
  });
  source.once("error", end).once("end", end).once("close", end);
  source.resume();

  function end(): void {
    clearTimeout(timer);
    raw.end();
  }
}

/** A body is still to come, and nobody will read it. */
export function isUnread({ request: { raw } }: FastifyReply): boolean {
  return !raw.complete && !raw.readableEnded && !raw.destroyed;
}
