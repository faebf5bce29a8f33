import { damageNotices } from "@meterbook/runtime/health/damage-notices";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import type { ApiMetrics } from "../api-metrics.ts";
import type { DocumentedAnswers } from "../http/documentation/documented.ts";
import { answers } from "../http/documentation/documented.ts";
import { formats } from "../http/requests/answer-format.ts";

const alive = z.strictObject({ alive: z.literal(true) });
export const readySchema = z.strictObject({
  ready: z.boolean(),
  problems: z.array(z.string()),
  notices: z.array(z.string()),
});

/** For whoever keeps the process running: HEAD is answered too, because some balancers ask so. */
export function healthRoutes(app: Api, { ports, notices: own }: ApiContext, metrics: ApiMetrics): void {
  const live = {
    tags: ["operation"],
    summary: "The process answers",
    response: answers("It does", alive, { alive: true }),
  };
  app.get("/healthz", { schema: live, exposeHeadRoute: true }, async () => ({ alive: true }));
  const unready = { schema: readySchema, example: { ready: false, problems: ["the disk is full"], notices: [] } };
  const readyAnswers: DocumentedAnswers = {
    ...answers("Ready", readySchema, {
      ready: true,
      problems: [],
      notices: ["ledger: 1 damaged or lost; GET /v1/damage names it"],
    }),
    503: { description: "Not ready, and why", content: { [formats.json]: unready } },
  };
  const ready = { tags: ["operation"], summary: "The service can do its work", response: readyAnswers };
  app.get("/readyz", { schema: ready, exposeHeadRoute: true }, async (_request, reply) => {
    const [health, damaged] = await Promise.all([ports.health(), damageNotices(ports.damage)]);
    const { ready: isReady, problems, notices = [] } = health;
    return reply
      .code(isReady ? 200 : 503)
      .send({ ready: isReady, problems, notices: [...damaged, ...notices, ...own()] });
  });
  const prometheus = {
    tags: ["operation"],
    summary: "Metrics in the Prometheus text format",
    response: {
      ...answers("Metrics", alive, {}),
      200: {
        description: "Metrics",
        content: { "text/plain": { schema: z.string(), example: "meterbook_api_exports_running 0\n" } },
      },
    },
  };
  app.get("/metrics", { schema: prometheus }, async (_request, reply) => {
    const texts = await Promise.all([metrics.text(), ports.metricsText()]);
    return reply.type("text/plain; version=0.0.4; charset=utf-8").send(
      texts
        .map((text) => text.trimEnd())
        .join("\n")
        .concat("\n"),
    );
  });
}
