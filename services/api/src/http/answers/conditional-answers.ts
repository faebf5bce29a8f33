import { hash } from "node:crypto";
import type { Api } from "../../api-context.ts";
import { tagWithContent } from "../requests/entity-versions.ts";

/** Longer answers are not hashed: they are sent. */
const taggedLengthMax = 8 * 1024 * 1024;

/**
 * Answers of reads carry an ETag of their content, and `If-None-Match` is answered 304 if nothing changed. The ETag is
 * weak, because the same content may be sent compressed, unless a route names a version. Streams have none: they are
 * sent before all of them is known.
 */
export function answerConditionally(app: Api): void {
  app.addHook("onSend", async (request, reply, payload) => {
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (!isRead) return payload;
    if (reply.statusCode !== 200 || !isWhole(payload) || payload.length > taggedLengthMax) return payload;
    if (!(request.routeOptions.url ?? "").startsWith("/v1/")) return payload;
    const contentHash = hash("sha256", payload, "base64url").slice(0, 27);
    const version = reply.getHeader("etag");
    const tag = typeof version === "string" ? tagWithContent(version, contentHash) : `W/"${contentHash}"`;
    // To be kept by the caller only, and asked for again each time.
    reply.headers({ etag: tag, "cache-control": "private, no-cache" });
    if (!isNamed(tag, request.headers["if-none-match"])) return payload;
    reply.code(304).removeHeader("content-length");
    return null;
  });
}

/** A text, or bytes that a route has made itself: all of the answer is known. */
function isWhole(payload: unknown): payload is string | Buffer {
  return typeof payload === "string" || Buffer.isBuffer(payload);
}

function isNamed(tag: string, header: string | undefined): boolean {
  if (header === undefined) return false;
  if (header.trim() === "*") return true;
  const opaque = tag.replace(/^W\//, "");
  return header.split(",").some((one) => one.trim().replace(/^W\//, "") === opaque);
}
