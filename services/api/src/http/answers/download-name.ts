import type { FastifyRequest } from "fastify";

/** Under what name a download is kept: the call, and the period or the meter that it is of. */
export function downloadName(request: FastifyRequest): string {
  const route = (request.routeOptions.url ?? "").replace("/v1/", "").replaceAll(/:\w+\/|:\w+/g, "");
  const { meterId = "" } = (request.params ?? {}) as { meterId?: string };
  const period = /[?&]period=(\d{4}-\d{2})(?:&|$)/.exec(request.url)?.[1] ?? "";
  return [route.replaceAll("/", "-"), meterId, period].filter((part) => part !== "").join("-");
}
