import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import compress, { type FastifyCompressOptions } from "@fastify/compress";
import { usualRules } from "@meterbook/core/domain/valuation/rule-book";
import { guardConnections } from "@meterbook/runtime/health/connection-guard";
import fastify from "fastify";
import { validatorCompiler } from "fastify-type-provider-zod";
import { conflictRoutes } from "./analysis/conflict-routes.ts";
import { curveRoutes } from "./analysis/curves/curve-routes.ts";
import { curvesRoutes } from "./analysis/curves/curves-routes.ts";
import { fleetConflictRoutes } from "./analysis/fleet-conflict-routes.ts";
import { fleetGapRoutes } from "./analysis/fleet-gap-routes.ts";
import { gapRoutes } from "./analysis/gap-routes.ts";
import { readingRoutes } from "./analysis/reading-routes.ts";
import type { Api, ApiContext } from "./api-context.ts";
import type { ApiEvents } from "./api-events.ts";
import { silentEvents } from "./api-events.ts";
import type { ApiMetrics } from "./api-metrics.ts";
import { apiMetrics } from "./api-metrics.ts";
import type { ApiPorts } from "./api-ports.ts";
import type { ApiLimits, ApiSettings } from "./api-settings.ts";
import { defaultLimits } from "./api-settings.ts";
import { acknowledgementRoutes } from "./billing/hand-over/acknowledgement-routes.ts";
import { jobRoutes } from "./billing/job-routes.ts";
import { meterSnapshotRoutes } from "./billing/meter-snapshot-routes.ts";
import { periodRoutes } from "./billing/period-routes.ts";
import { sealRoutes } from "./billing/seal-routes.ts";
import { snapshotRoutes } from "./billing/snapshot-routes.ts";
import { pointStatementRoutes } from "./billing/statements/point-statement-routes.ts";
import { statementRoutes } from "./billing/statements/statement-routes.ts";
import { balanceRoutes } from "./groups/balance-routes.ts";
import { groupCurveRoutes } from "./groups/group-curve-routes.ts";
import { groupRoutes } from "./groups/group-routes.ts";
import { listCurveRoutes } from "./groups/list-curve-routes.ts";
import { moverRoutes } from "./groups/mover-routes.ts";
import { guardRoutes, isLoopback } from "./http/access/access.ts";
import { type KeysFile, openKeysFile } from "./http/access/keys-file.ts";
import { writeDownReads } from "./http/access/personal-reads.ts";
import { sessionRoutes } from "./http/access/session-routes.ts";
import { answerInTime } from "./http/answers/answer-in-time.ts";
import { answerConditionally } from "./http/answers/conditional-answers.ts";
import {
  answerBrokenRequest,
  answerErrors,
  answerUnknownRoutes,
  lateRequest,
  sendProblem,
} from "./http/answers/error-answers.ts";
import { exportSlots } from "./http/answers/export-slots.ts";
import { streamAnswers } from "./http/answers/stream-answers.ts";
import { documentRoutes } from "./http/documentation/documentation.ts";
import { takeFormats } from "./http/documentation/format-parameter.ts";
import { openWebPages } from "./http/pages/web-pages.ts";
import { ApiProblem } from "./http/problems/problem.ts";
import { refuseTwoHosts } from "./http/requests/one-host.ts";
import { takeJsonBodies } from "./http/requests/request-body.ts";
import { auditRoutes } from "./operation/audit-routes.ts";
import { damageRoutes } from "./operation/damage-routes.ts";
import { findingRoutes } from "./operation/finding-routes.ts";
import { healthRoutes } from "./operation/health-routes.ts";
import { rejectedRoutes } from "./operation/rejected-routes.ts";
import { rejectedShareRoutes } from "./operation/rejected-share-routes.ts";
import { statusRoutes } from "./operation/status-routes.ts";
import { verdictRoutes } from "./operation/verdict-routes.ts";
import { meterImportRoutes } from "./registry/meter-import-routes.ts";
import { meterListRoute } from "./registry/meter-list-route.ts";
import { meterRoutes } from "./registry/meter-routes.ts";
import { outageImportRoutes } from "./registry/outages/outage-import-routes.ts";
import { outageRoutes } from "./registry/outages/outage-routes.ts";
import { searchRoutes } from "./registry/search-routes.ts";
import { exchangeRoutes } from "./registry/usage-points/exchange-routes.ts";
import { usagePointImportRoutes } from "./registry/usage-points/usage-point-import-routes.ts";
import { usagePointRoutes } from "./registry/usage-points/usage-point-routes.ts";

/** What the API tells about itself; both may be left out. */
export interface ApiObservers {
  readonly metrics?: ApiMetrics;
  readonly events?: ApiEvents;
}

export interface ServedApi {
  /** `host:port` as it is listened on. */
  readonly address: string;
  /** Takes no new requests, lets those under way finish for `limits.closeMs`, then hangs up. */
  close(): Promise<void>;
}

/**
 * Serves the contract's HTTP API from the ports, and owns none of them: closing it closes no port.
 *
 * @throws Error that names the setting: a keys file that is missing or wrong, or none where the address is not loopback
 */
export async function serveApi(
  ports: ApiPorts,
  settings: ApiSettings,
  observers: ApiObservers = {},
): Promise<ServedApi> {
  const { host, port } = settings.listen;
  if (settings.apiKeysFile === undefined && !isLoopback(host)) {
    throw new Error(
      `METERBOOK_API_KEYS_FILE is not set, so the API may listen on loopback only, and METERBOOK_HTTP_LISTEN names ${host}`,
    );
  }
  const limits = { ...defaultLimits, ...settings.limits };
  const app = await buildApi(ports, settings, observers);
  await app.listen({ host, port });
  const bound = app.server.address() as AddressInfo;
  const address = `${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${bound.port}`;
  if (settings.apiKeysFile === undefined) (observers.events ?? silentEvents).openWithoutKeys({ address });
  return { address, close: () => closeWithin(app, limits.closeMs) };
}

const closeIdleMs = 100;

async function closeWithin(app: Api, closeMs: number): Promise<void> {
  const hangUp = setTimeout(() => app.server.closeAllConnections(), closeMs);
  // One whose call ended during the stop would be kept for its client's next one, and the stop with it.
  const idle = setInterval(() => app.server.closeIdleConnections(), closeIdleMs);
  try {
    await app.close();
  } finally {
    clearTimeout(hangUp);
    clearInterval(idle);
  }
}

/** The server without a socket: what `serveApi` listens with, and what tests inject requests into. */
export async function buildApi(ports: ApiPorts, settings: ApiSettings, observers: ApiObservers = {}): Promise<Api> {
  const limits = { ...defaultLimits, ...settings.limits };
  const metrics = observers.metrics ?? apiMetrics();
  const app = bareServer(limits);
  guardConnections(app.server, {
    connectionsMax: limits.connectionsMax,
    bodyMsOf: ({ url = "" }) => (/^\/v1\/(meters|usage-points):import/.test(url) ? limits.requestMs : limits.bodyMs),
    sweepMs: Math.min(1000, limits.bodyMs / 2),
    endLate: (socket) => answerBrokenRequest(lateRequest, socket),
    ended: metrics.connectionEnded,
  });
  answerErrors(app, observers.events ?? silentEvents, limits);
  const keys = keysOf(settings, ports, observers.events ?? silentEvents);
  app.addHook("onClose", async () => keys?.close());
  refuseTwoHosts(app);
  guardRoutes(app, keys?.callerOf);
  answerInTime(app, () => ports.health(), { firstMs: limits.answerMs, againMs: 500 });
  const reads = writeDownReads(app, ports, observers.events ?? silentEvents, limits);
  const pages = settings.pages === undefined ? undefined : openWebPages(settings.pages);
  answerUnknownRoutes(app, pages?.unknown);
  takeFormats(app);
  takeJsonBodies(app);
  answerConditionally(app);
  await app.register(compress, compression);
  app.addHook("onRequest", async (_request, reply) => {
    reply.headers({ "cache-control": "no-store", "x-content-type-options": "nosniff" });
  });
  app.addHook("onResponse", async (request, reply) => {
    const route = request.routeOptions.url ?? "unknown";
    metrics.requestAnswered({
      route,
      method: request.method,
      status: reply.statusCode,
      seconds: reply.elapsedTime / 1000,
    });
  });
  const streams = streamAnswers(
    {
      slots: exportSlots(limits.exportsMax, limits.exportsPerCallerMax),
      slowMs: limits.exportSlowMs,
      bytesPerSecondMin: limits.exportBytesPerSecondMin,
    },
    metrics,
    observers.events ?? silentEvents,
  );
  const context: ApiContext = {
    ports,
    limits,
    timeZone: settings.timeZone,
    rules: settings.rules ?? usualRules,
    readsWritten: reads.written,
    streams,
    callerOf: keys?.callerOf,
    notices: () => keys?.notices() ?? [],
  };
  await documentRoutes(app, settings.version ?? ownVersion());
  addRoutes(app, context, metrics);
  pages?.addRoutes(app);
  await app.ready();
  return app;
}

/** Of this package, as its file says. */
function ownVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

function addRoutes(app: Api, context: ApiContext, metrics: ApiMetrics): void {
  statusRoutes(app, context);
  meterListRoute(app, context);
  meterRoutes(app, context);
  meterImportRoutes(app, context);
  usagePointRoutes(app, context);
  usagePointImportRoutes(app, context);
  outageRoutes(app, context);
  outageImportRoutes(app, context);
  exchangeRoutes(app, context);
  readingRoutes(app, context);
  curveRoutes(app, context);
  curvesRoutes(app, context);
  conflictRoutes(app, context);
  gapRoutes(app, context);
  fleetConflictRoutes(app, context);
  fleetGapRoutes(app, context);
  findingRoutes(app, context);
  groupRoutes(app, context);
  groupCurveRoutes(app, context);
  listCurveRoutes(app, context);
  balanceRoutes(app, context);
  moverRoutes(app, context);
  periodRoutes(app, context);
  jobRoutes(app, context);
  snapshotRoutes(app, context);
  sealRoutes(app, context);
  acknowledgementRoutes(app, context);
  statementRoutes(app, context);
  pointStatementRoutes(app, context);
  meterSnapshotRoutes(app, context);
  rejectedRoutes(app, context);
  verdictRoutes(app, context);
  rejectedShareRoutes(app, context);
  damageRoutes(app, context);
  auditRoutes(app, context);
  healthRoutes(app, context, metrics);
  sessionRoutes(app, context);
  searchRoutes(app, context);
}

/** A month of quarter hours; packing it takes a millisecond or two. */
const packedAtOnceBytesMax = 512 * 1024;

/**
 * Level 1 leaves a tenth of an export's bytes; more would take longer than the export. An answer that is known whole is
 * packed at once: in pieces by other threads it waits for the scheduler at each of them, which on a busy machine takes
 * far longer than the work. Bodies of requests are taken as they come.
 */
const compression: FastifyCompressOptions = {
  encodings: ["zstd", "gzip"],
  customTypes: /^(?:text\/|application\/(?:json|problem\+json|x-ndjson))/,
  zlibOptions: { level: 1 },
  syncThreshold: packedAtOnceBytesMax,
  globalDecompression: false,
};

function bareServer(limits: ApiLimits): Api {
  const app = fastify({
    logger: false,
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestMs,
    connectionTimeout: limits.idleMs,
    keepAliveTimeout: limits.keepAliveMs,
    http: {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersMs,
      connectionsCheckingInterval: Math.min(2000, limits.headersMs / 2),
    },
    routerOptions: { maxParamLength: 200 },
    exposeHeadRoutes: true,
    forceCloseConnections: "idle",
    clientErrorHandler: (error, socket) => answerBrokenRequest(error, socket),
    frameworkErrors: (error, _request, reply) => {
      sendProblem(reply as never, new ApiProblem("url_invalid", error.message));
    },
  });
  app.setValidatorCompiler(validatorCompiler);
  // Answers are built to their schemas and tested against them: checking each again would cost more than making it.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  return app.withTypeProvider() as unknown as Api;
}

function keysOf(
  { apiKeysFile, watchFiles, keyNoticeMs: noticeMs = 0 }: ApiSettings,
  { clock }: ApiPorts,
  events: ApiEvents,
): KeysFile | undefined {
  if (apiKeysFile === undefined) return undefined;
  return openKeysFile(apiKeysFile, {
    watch: watchFiles,
    nowMs: () => clock.nowMs(),
    noticeMs,
    failed: (error) => events.keysFailed({ error }),
  });
}
