import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";
import type { ListenAddress } from "../settings/setting-schema.ts";
import { guardConnections } from "./connection-guard.ts";

export interface HealthServerOptions {
  readonly listen: ListenAddress;
  readonly metrics: Registry;
  /** At one time; 100 where absent. */
  readonly connectionsMax?: number;
  /** What is wrong now, one line each; none = ready. */
  readonly problems: () => readonly string[];
  /** What an operator should know while the work goes on; none where absent. */
  readonly notices?: () => readonly string[] | Promise<readonly string[]>;
}

/**
 * What a service without an API of its own answers over HTTP: `/healthz` (the process lives), `/readyz` (200, or 503
 * with what is wrong) and `/metrics` (Prometheus text).
 */
export async function serveHealth(options: HealthServerOptions): Promise<{ address: string; close(): Promise<void> }> {
  const server = createServer({ connectionsCheckingInterval: 1000 }, (request, response) => {
    answer(request.url ?? "", response, options).catch(() => response.destroy());
  });
  server.headersTimeout = 5000;
  server.requestTimeout = 5000;
  guardConnections(server, {
    connectionsMax: options.connectionsMax ?? 100,
    bodyMsOf: () => 5000,
    sweepMs: 1000,
    endLate: (socket) => void socket.destroy(),
    ended: () => undefined,
  });
  await listening(server, options.listen);
  const { address, family, port } = server.address() as AddressInfo;
  return {
    address: `${family === "IPv6" ? `[${address}]` : address}:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listening(server: Server, { host, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
}

async function answer(url: string, response: ServerResponse, options: HealthServerOptions): Promise<void> {
  const [path] = url.split("?", 1);
  if (path === "/healthz") return json(response, 200, { status: "ok" });
  if (path === "/readyz") {
    const problems = options.problems();
    const notices = (await options.notices?.()) ?? [];
    return json(response, problems.length === 0 ? 200 : 503, { ready: problems.length === 0, problems, notices });
  }
  if (path === "/metrics") {
    const text = await options.metrics.metrics();
    response.writeHead(200, { "content-type": options.metrics.contentType }).end(text);
    return;
  }
  json(response, 404, { status: "this service answers /healthz, /readyz and /metrics only" });
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
