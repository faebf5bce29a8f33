import { fleet } from "@meterbook/core/domain/group/group-members";
import type { AuditLog, PersonalRead } from "@meterbook/core/ports/audit-log";
import type { Clock } from "@meterbook/core/ports/clock";
import type { FastifyRequest } from "fastify";
import type { Api } from "../../api-context.ts";
import type { ApiEvents } from "../../api-events.ts";
import type { ApiLimits } from "../../api-settings.ts";
import { ApiProblem } from "../problems/problem.ts";

export interface WrittenReads {
  /** Resolves when the log holds all that was answered before. */
  written(): Promise<void>;
}

interface AuditPorts {
  readonly audit: Pick<AuditLog, "put">;
  readonly clock: Clock;
}

/** What is answered within this time shares a write. */
const gatherMs = 250;
const againMs = 1000;
/** A stop does not wait longer for a log that does not answer. */
const closeMsMax = 2000;
const queryLengthMax = 300;
/** Lists over all meters that tell of each; some can be asked for one meter. */
const fleetLists = new Set([
  "/v1/snapshots",
  "/v1/snapshots/changes",
  "/v1/statements",
  "/v1/findings",
  "/v1/gaps",
  "/v1/conflicts",
]);
/** A list of meters comes as a body, and the call itself says whose they are. */
const listSum = "/v1/groups::curve";

type Subject = Pick<PersonalRead, "subject" | "subjectId">;

declare module "fastify" {
  interface FastifyRequest {
    /** Of a call whose address does not say whose data it answers: set by the call once it knows. */
    told: { readonly subjects: readonly Subject[]; readonly query: string } | undefined;
  }
}

/**
 * Writes down who was answered what of whom, beside the answers: none of them waits for it. If the log is out of reach
 * and no more entries can wait, personal reads are refused.
 */
export function writeDownReads(
  app: Api,
  { audit, clock }: AuditPorts,
  events: ApiEvents,
  { readsWaitingMax }: Pick<ApiLimits, "readsWaitingMax">,
): WrittenReads {
  const waiting: PersonalRead[] = [];
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice();
      await audit.put(batch);
      waiting.splice(0, batch.length);
    }
  }

  function write(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    writing ??= writeAll().finally(() => {
      writing = undefined;
    });
    return writing;
  }

  function writeSoon(ms: number): void {
    timer ??= setTimeout(() => {
      write().catch((error: unknown) => {
        events.auditFailed({ waiting: waiting.length, error });
        writeSoon(againMs);
      });
    }, ms).unref();
  }

  app.decorateRequest("told", undefined);
  app.addHook("onRequest", async (request, { raw }) => {
    if (!isPersonal(request)) return;
    if (waiting.length >= readsWaitingMax)
      throw new ApiProblem("storage_unavailable", "who reads what is written down, and the log of it is out of reach");
    // Also of a client that goes before all is sent: what it has it has read.
    raw.once("finish", answered).once("close", answered);

    function answered(): void {
      raw.off("finish", answered).off("close", answered);
      if (!raw.headersSent || (raw.statusCode !== 200 && raw.statusCode !== 304)) return;
      waiting.push(...readsOf(request, clock.nowMs()));
      writeSoon(gatherMs);
    }
  });
  app.addHook("onClose", async () => {
    clearTimeout(timer);
    const late = endableTimer(closeMsMax);
    await Promise.race([write(), late.over]).catch((error: unknown) => {
      events.auditFailed({ waiting: waiting.length, error });
    });
    late.end();
  });
  return { written: write };
}

/** Rejects when the time is over. */
function endableTimer(ms: number): { readonly over: Promise<never>; end(): void } {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`the log of reads did not answer for ${ms} ms`)), ms);
  promise.catch(() => undefined);
  return { over: promise, end: () => clearTimeout(timer) };
}

function isPersonal({ method, params, routeOptions: { url = "" } }: FastifyRequest): boolean {
  if (method !== "GET") return method === "POST" && url === listSum;
  if (url.includes(":groupId/")) return url.endsWith("/movers") || groupOf(params) !== fleet;
  if (isProof(url)) return true;
  return url.includes(":meterId/") || url.includes(":usagePointId/") || url === "/v1/curves" || fleetLists.has(url);
}

/** It holds the whole record. */
function isProof(url: string): boolean {
  return url.startsWith("/v1/snapshots/:id/") && url.endsWith("/proof");
}

/** A group may be of one meter. The fleet's sums tell of nobody. */
function groupOf(params: unknown): string | undefined {
  return (params as { readonly groupId?: string }).groupId;
}

function readsOf(request: FastifyRequest, atMs: number): readonly PersonalRead[] {
  const { callerName: caller, ip: address, method, url } = request;
  const shared = {
    ...{ atMs, caller, address, call: `${method} ${(request.routeOptions.url ?? "").replace("::", ":")}` },
    query: (request.told?.query ?? url.split("?", 2)[1] ?? "").slice(0, queryLengthMax),
  };
  return subjectsOf(request).map((subject) => ({ ...shared, ...subject }));
}

function subjectsOf({ params, query, told }: FastifyRequest): readonly Subject[] {
  if (told !== undefined) return told.subjects;
  const { meterId, usagePointId } = params as { meterId?: string; usagePointId?: string };
  const { meterId: only, group = groupOf(params) } = query as { meterId?: string; group?: string };
  if (group !== undefined && group !== fleet) return [{ subject: "group", subjectId: group }];
  // Of the parts of a snapshot's id, or of all of it (seal-routes.ts).
  const { id } = params as { id?: string | { readonly meterId: string } };
  const proved = typeof id === "string" ? id : id?.meterId;
  const meter = meterId ?? only ?? proved;
  if (meter !== undefined) return [{ subject: "meter", subjectId: meter }];
  if (usagePointId !== undefined) return [{ subject: "usage-point", subjectId: usagePointId }];
  const { series } = query as { series?: readonly { meterId: string }[] };
  if (series === undefined) return [{ subject: "fleet", subjectId: "" }];
  return [...new Set(series.map((one) => one.meterId))].map((subjectId) => ({ subject: "meter", subjectId }));
}
