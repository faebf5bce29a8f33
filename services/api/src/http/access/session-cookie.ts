import type { FastifyRequest } from "fastify";

const cookieName = "meterbook_session";
/** A working day; then the key is asked for again. */
const sessionSeconds = 12 * 3600;
const keyLengthMax = 200;

/**
 * The cookie holds the key itself: every API process can read it and none has to remember it, and it ends when the key
 * is struck off. No script can see it, and no other site's page can have it sent.
 */
export function sessionCookie(request: FastifyRequest, key: string): string {
  return cookie(request, Buffer.from(key).toString("base64url"), sessionSeconds);
}

export function endedCookie(request: FastifyRequest): string {
  return cookie(request, "", 0);
}

function cookie(request: FastifyRequest, value: string, seconds: number): string {
  const secure = isEncrypted(request) ? "; Secure" : "";
  return `${cookieName}=${value}; Path=/v1; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`;
}

/** A proxy that ends TLS before us says so. */
function isEncrypted({ headers, protocol }: FastifyRequest): boolean {
  return protocol === "https" || headers["x-forwarded-proto"] === "https";
}

/** The key that a browser was signed in with. */
export function sessionKey({ headers }: FastifyRequest): string | undefined {
  const value = new RegExp(`(?:^|;)\\s*${cookieName}=([\\w-]+)`).exec(headers.cookie ?? "")?.[1];
  return value === undefined ? undefined : Buffer.from(value.slice(0, 2 * keyLengthMax), "base64url").toString();
}

/** Whether what a browser sends by itself was sent by a page of ours. */
export function isFromOwnPage({ headers }: FastifyRequest): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin" || site === "none";
  const { origin, host } = headers;
  return origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
}
