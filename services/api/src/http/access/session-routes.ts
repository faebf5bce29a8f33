import { z } from "zod";
import type { Api, ApiContext } from "../../api-context.ts";
import { answers } from "../documentation/documented.ts";
import { ApiProblem } from "../problems/problem.ts";
import { type Caller, sayRefused } from "./api-keys.ts";
import { type Scope, scopes } from "./scope-table.ts";
import { endedCookie, isFromOwnPage, sessionCookie, sessionKey } from "./session-cookie.ts";

export const sessionSchema = z
  .strictObject({
    keyNeeded: z.boolean().meta({ description: "false: the API is open to everybody on this machine" }),
    name: z.string().nullable().meta({ description: "Of the key; null where nobody is signed in" }),
    scopes: z.array(z.enum(scopes)).meta({ description: "What the caller may do; all where no key is needed" }),
    until: z.string().nullable().meta({ format: "date-time", description: "When the key ends; null: never" }),
  })
  .meta({ id: "Session" });

type Session = z.infer<typeof sessionSchema>;

const example: Session = { keyNeeded: true, name: "anna", scopes: ["operator"], until: null };

/** How a browser signs in: with an API key, kept in a cookie that no script sees. Other ways join it here. */
export function sessionRoutes(app: Api, { callerOf }: Pick<ApiContext, "callerOf">): void {
  const read = {
    tags: ["session"],
    summary: "Who is signed in here, and what they may do",
    querystring: z.strictObject({}),
    response: answers("The session", sessionSchema, example),
  };
  app.get("/v1/session", { schema: read }, async (request) => {
    const key = sessionKey(request);
    const caller = key === undefined ? undefined : callerOf?.(key);
    return sessionOf(callerOf !== undefined, caller === "expired" ? undefined : caller);
  });
  const begin = {
    tags: ["session"],
    summary: "Sign in with an API key",
    description: "The answer sets a cookie that stands for the header `Authorization`, for calls of our own pages.",
    querystring: z.strictObject({}),
    body: z.strictObject({ key: z.string().min(1).max(200) }),
    response: answers("The session", sessionSchema, example, ["origin_refused"]),
  };
  app.post("/v1/session", { schema: begin }, async (request, reply) => {
    if (!isFromOwnPage(request)) throw new ApiProblem("origin_refused", "another site's page may not sign anybody in");
    if (callerOf === undefined) return sessionOf(false, undefined);
    const key = request.body.key.trim();
    const caller = callerOf(key);
    if (caller === undefined || caller === "expired") throw new ApiProblem("key_unknown", sayRefused(caller));
    reply.header("set-cookie", sessionCookie(request, key));
    return sessionOf(true, caller);
  });
  const end = {
    tags: ["session"],
    summary: "Sign out",
    querystring: z.strictObject({}),
    response: answers("Nobody is signed in", sessionSchema, { ...example, name: null, scopes: [] }, ["origin_refused"]),
  };
  app.delete("/v1/session", { schema: end }, async (request, reply) => {
    if (!isFromOwnPage(request)) throw new ApiProblem("origin_refused", "another site's page may not sign anybody out");
    reply.header("set-cookie", endedCookie(request));
    return sessionOf(callerOf !== undefined, undefined);
  });
}

function sessionOf(keyNeeded: boolean, caller: Caller | undefined): Session {
  const allowed: readonly Scope[] = keyNeeded ? (caller?.scopes ?? []) : scopes;
  return {
    keyNeeded,
    name: caller?.name ?? null,
    scopes: [...allowed],
    until: caller?.untilMs === undefined ? null : new Date(caller.untilMs).toISOString(),
  };
}
