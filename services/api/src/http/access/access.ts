import type { FastifyRequest } from "fastify";
import type { Api } from "../../api-context.ts";
import { ApiProblem } from "../problems/problem.ts";
import { type Caller, sayRefused } from "./api-keys.ts";
import type { KeysFile } from "./keys-file.ts";
import type { Scope } from "./scope-table.ts";
import { scopesOf } from "./scope-table.ts";
import { isFromOwnPage, sessionKey } from "./session-cookie.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Of which a caller needs one; absent on public routes. */
    scopes?: readonly Scope[];
  }
  interface FastifyRequest {
    /** Undefined where the API is open, and on public routes. */
    caller: Caller | undefined;
  }
}

/**
 * Lets in who may. `callerOf` is undefined where there is no keys file: then the API is open, and since every web page
 * that somebody opens on this machine can reach it too, calls that come through another name or site are refused.
 */
export function guardRoutes(app: Api, callerOf: KeysFile["callerOf"] | undefined): void {
  app.decorateRequest("callerName", "");
  app.addHook("onRoute", (route) => {
    const allowed = scopesOf([route.method].flat()[0] ?? "", route.url);
    if (allowed === undefined) return;
    route.config = { ...route.config, scopes: allowed };
    const note = `Needs a key with one of the scopes ${allowed.map((scope) => `\`${scope}\``).join(", ")}.`;
    const described = (route.schema as { description?: string } | undefined)?.description;
    route.schema = {
      ...route.schema,
      description: described === undefined ? note : `${described}\n\n${note}`,
      security: [{ key: [] }],
    } as typeof route.schema & object;
  });
  app.decorateRequest("caller", undefined);
  app.addHook("onRequest", async (request) => {
    if (callerOf === undefined) refuseOtherSites(request);
    else authorize(request, callerOf);
  });
}

function authorize(request: FastifyRequest, callerOf: KeysFile["callerOf"]): void {
  const allowed = request.routeOptions.config.scopes;
  if (allowed === undefined) return;
  const key = sentKey(request);
  const challenge = { headers: { "www-authenticate": 'Bearer realm="meterbook"' } };
  if (key === undefined) throw new ApiProblem("key_missing", "send the header Authorization: Bearer <key>", challenge);
  const caller = callerOf(key);
  if (caller === undefined || caller === "expired") {
    throw new ApiProblem("key_unknown", sayRefused(caller), challenge);
  }
  request.callerName = caller.name;
  needScope(caller, allowed);
  request.caller = caller;
}

/**
 * For calls that need more for some of what can be asked for. Where the API is open nobody needs any.
 *
 * @throws ApiProblem `scope_missing`
 */
export function needScope(caller: Caller | undefined, allowed: readonly Scope[]): void {
  if (caller === undefined || allowed.some((scope) => caller.scopes.includes(scope))) return;
  const detail = `the key ${caller.name} has the scopes ${caller.scopes.join(", ")}; this call needs one of ${allowed.join(", ")}`;
  throw new ApiProblem("scope_missing", detail);
}

/**
 * Of the header, or of the browser's session. @throws ApiProblem `origin_refused` where another site's page uses the
 * session
 */
function sentKey(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers;
  if (authorization !== undefined) return /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  const key = sessionKey(request);
  if (key !== undefined && !isFromOwnPage(request))
    throw new ApiProblem("origin_refused", "the session of a browser is for calls of our own pages");
  return key;
}

/** Whose word it is: the key's name, or that nobody needed one. */
export function callerName({ caller }: FastifyRequest): string {
  return caller?.name ?? "without a key";
}

function refuseOtherSites(request: FastifyRequest): void {
  const host = request.headers.host ?? "";
  const origin = request.headers.origin;
  if (!isLoopback(hostName(host)) || (origin !== undefined && origin !== `http://${host}`)) {
    const detail = "without METERBOOK_API_KEYS_FILE only callers on this machine are served, by a loopback name";
    throw new ApiProblem("origin_refused", detail);
  }
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, "");
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}
