import { hash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Api } from "../../api-context.ts";
import { pageRoutes } from "./page-routes.ts";

/** Where `npm run build-web` puts the pages. */
export const builtPages = fileURLToPath(new URL("../../../../web/dist", import.meta.url));

/** No script and no style but the files beside the page, and no request to anywhere else. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

/** Smaller forms that the build has made, best first. */
const encodings = [
  ["br", ".br"],
  ["gzip", ".gz"],
] as const;

interface WebFile {
  readonly type: string;
  readonly tag: string;
  readonly body: Buffer;
  readonly encoded: ReadonlyMap<string, Buffer>;
  /** Its name changes with its content. */
  readonly isHashed: boolean;
}

export interface WebPages {
  addRoutes(app: Api): void;
  /** `GET` for an address of nothing else gets the page that says so, where a browser asks. */
  readonly unknown: (request: FastifyRequest, reply: FastifyReply) => FastifyReply | undefined;
}

/**
 * The pages of `services/web`, served at `/`. They are a few hundred kilobytes and stay in memory: a path is a name in
 * a map and never one on the disk. Where they were not built, `/` says how to have them.
 */
export function openWebPages(directory: string): WebPages {
  const files = filesOf(directory);
  const index = files.get("/index.html");
  const send = index === undefined ? sendNotBuilt : (reply: FastifyReply) => sendFile(reply.request, reply, index);
  return {
    addRoutes(app) {
      const schema = { hide: true } as object;
      for (const url of pageRoutes) app.get(url, { schema }, (_request, reply) => send(reply));
      for (const [url, file] of files) {
        if (file !== index) app.get(url, { schema }, (request, reply) => sendFile(request, reply, file));
      }
    },
    unknown: (request, reply) => (isBrowsing(request) ? send(reply.code(404)) : undefined),
  };
}

/** Whether a person has typed the address or followed a link, and so wants to see a page. */
function isBrowsing({ method, headers, url }: FastifyRequest): boolean {
  if (/^\/(v1|docs|assets)\//.test(url)) return false;
  return (method === "GET" || method === "HEAD") && (headers.accept ?? "").includes("text/html");
}

function filesOf(directory: string): ReadonlyMap<string, WebFile> {
  if (!existsSync(join(directory, "index.html"))) return new Map();
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    paths.flatMap((path) => {
      const type = types[extname(path)];
      return type === undefined ? [] : [[urlOf(directory, path), webFile(path, type)] as const];
    }),
  );
}

function urlOf(directory: string, path: string): string {
  return `/${relative(directory, path).split(sep).join("/")}`;
}

function webFile(path: string, type: string): WebFile {
  const body = readFileSync(path);
  const encoded = encodings.flatMap(([name, extension]) =>
    existsSync(path + extension) ? [[name, readFileSync(path + extension)] as const] : [],
  );
  const tag = `"${hash("sha256", body, "base64url").slice(0, 22)}"`;
  return { type, tag, body, encoded: new Map(encoded), isHashed: path.includes(`${sep}assets${sep}`) };
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: WebFile): FastifyReply {
  const accepted = String(request.headers["accept-encoding"] ?? "");
  const encoding = [...file.encoded.keys()].find((name) => new RegExp(`(^|[,\\s])${name}($|[,;\\s])`).test(accepted));
  reply.headers({
    "cache-control": file.isHashed ? "public, max-age=31536000, immutable" : "no-cache",
    "content-security-policy": contentSecurityPolicy,
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "same-origin",
    etag: file.tag,
    vary: "accept-encoding",
    "x-content-type-options": "nosniff",
  });
  if (reply.statusCode === 200 && request.headers["if-none-match"] === file.tag) return reply.code(304).send();
  // The compressing plugin lets be what is named so.
  reply.type(file.type).header("content-encoding", encoding ?? "identity");
  return reply.send((encoding === undefined ? undefined : file.encoded.get(encoding)) ?? file.body);
}

const notBuilt =
  '<!doctype html><html lang="en"><meta charset="utf-8"><title>Meterbook</title><h1>The pages are not built</h1>' +
  '<p>The API works: <a href="/docs">/docs</a> has every call. To have the pages: <code>npm run build-web</code>, then start again.</p></html>';

function sendNotBuilt(reply: FastifyReply): FastifyReply {
  if (reply.statusCode === 200) reply.code(503);
  return reply.type("text/html; charset=utf-8").header("content-security-policy", "default-src 'none'").send(notBuilt);
}
