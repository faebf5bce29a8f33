import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

/** A request as it came, its body unpacked. */
export interface ProxiedRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly headers: IncomingMessage["headers"];
}

/**
 * What becomes of a request: `pass` it on, answer it here, `hang` without an answer, `reset` the connection, or pass it
 * on and `swallow` the answer.
 */
export type Fate =
  | "pass"
  | "hang"
  | "reset"
  | "swallow"
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string };

export interface HttpProxy {
  readonly url: string;
  readonly requests: readonly ProxiedRequest[];
  close(): Promise<void>;
}

/** An HTTP server of loopback that decides about each request; without a `target` it must not pass any on. */
export async function httpProxy(
  decide: (request: ProxiedRequest, index: number) => Fate | Promise<Fate>,
  target = "",
): Promise<HttpProxy> {
  const requests: ProxiedRequest[] = [];
  const server = createServer((incoming, response) => {
    void handle(incoming, response).catch(() => response.destroy());
  });

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks);
    const body = incoming.headers["content-encoding"] === "gzip" ? gunzipSync(raw).toString() : raw.toString();
    const request = { method: incoming.method ?? "", path: incoming.url ?? "", body, headers: incoming.headers };
    requests.push(request);
    const fate = await decide(request, requests.length - 1);
    if (fate === "hang") return;
    if (fate === "reset") {
      response.destroy();
      return;
    }
    if (typeof fate === "object") {
      response.writeHead(fate.status, fate.headers).end(fate.body);
      return;
    }
    const answer = await passOn(target, incoming, raw);
    if (fate === "swallow") return;
    const text = Buffer.from(await answer.arrayBuffer());
    const type = answer.headers.get("content-type");
    response.writeHead(answer.status, type === null ? {} : { "content-type": type }).end(text);
  }

  const url = await listening(server);
  return {
    url,
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function passOn(target: string, incoming: IncomingMessage, raw: Buffer): Promise<Response> {
  const headers = new Headers();
  for (const name of ["authorization", "content-type", "content-encoding", "accept"]) {
    const value = incoming.headers[name];
    if (typeof value === "string") headers.set(name, value);
  }
  const method = incoming.method ?? "GET";
  return fetch(target + incoming.url, { method, headers, ...(raw.length === 0 ? {} : { body: new Uint8Array(raw) }) });
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
