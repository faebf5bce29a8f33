import { isPage } from "../pages/page-routes.ts";

export const scopes = ["billing", "analyst", "operator", "intake"] as const;
export type Scope = (typeof scopes)[number];

const everybody = scopes;
const office = ["billing", "analyst", "operator"] as const;
/** Load profiles tell when somebody is at home: billing works from snapshots and has no need of them. */
export const profiles = ["analyst", "operator"] as const;
const operators = ["operator"] as const;

/**
 * Who may call what: a key needs one of the scopes. A route that is not here and not public does not start.
 */
export const scopeTable: Readonly<Record<string, readonly Scope[]>> = {
  "GET /v1/status": everybody,
  "GET /v1/meters": office,
  "GET /v1/search": office,
  "GET /v1/meters/:meterId": office,
  "PUT /v1/meters/:meterId": operators,
  "POST /v1/meters:import": operators,
  "GET /v1/usage-points": office,
  "GET /v1/usage-points/:usagePointId": office,
  "GET /v1/usage-points/:usagePointId/versions": office,
  "GET /v1/usage-points/:usagePointId/statements/:period": office,
  "GET /v1/usage-points/:usagePointId/statements": office,
  "GET /v1/statements": office,
  "PUT /v1/usage-points/:usagePointId": operators,
  "POST /v1/usage-points:import": operators,
  "POST /v1/usage-points/:usagePointId/exchange": operators,
  "GET /v1/outages": office,
  "GET /v1/outages/:outageId": office,
  "PUT /v1/outages/:outageId": operators,
  "POST /v1/outages:import": operators,
  "GET /v1/meters/:meterId/readings": profiles,
  "GET /v1/meters/:meterId/curve": profiles,
  "GET /v1/curves": profiles,
  "GET /v1/meters/:meterId/conflicts": profiles,
  "GET /v1/meters/:meterId/gaps": profiles,
  "GET /v1/gaps": profiles,
  "GET /v1/conflicts": profiles,
  "GET /v1/findings": office,
  "GET /v1/groups": profiles,
  "GET /v1/groups/:groupId": profiles,
  "GET /v1/groups/:groupId/curve": profiles,
  "GET /v1/groups/:groupId/balance": profiles,
  "GET /v1/groups/:groupId/movers": profiles,
  "POST /v1/groups:curve": profiles,
  "GET /v1/meters/:meterId/snapshots": office,
  "GET /v1/meters/:meterId/snapshots/:period": office,
  "GET /v1/meters/:meterId/snapshots/:period/revisions": office,
  "GET /v1/periods": office,
  "GET /v1/periods/:period": office,
  "GET /v1/periods/:period/hand-over": office,
  "GET /v1/periods/:period/events": office,
  "POST /v1/billing/acknowledgements": ["billing"],
  "GET /v1/periods/:period/seal": office,
  "POST /v1/periods/:period/close": operators,
  "GET /v1/jobs/:id": operators,
  "GET /v1/snapshots": office,
  "GET /v1/snapshots/changes": office,
  "GET /v1/snapshots/:id/proof": office,
  "GET /v1/snapshots/:id/:period/:revision/proof": office,
  "POST /v1/readings/:id/verdict": operators,
  "GET /v1/rejected": operators,
  "POST /v1/rejected/:id/replay": operators,
  "GET /v1/rejected/senders": operators,
  "POST /v1/rejected/senders:empty": operators,
  "GET /v1/damage": operators,
  "POST /v1/damage/:id/acknowledgements": operators,
  "POST /v1/damage/:id/repairs": operators,
  "GET /v1/audit": operators,
  "GET /metrics": operators,
};

/** Answered without a key: they hold no data of anybody. */
const publicRoutes = ["/healthz", "/readyz", "/openapi.json", "/docs", "/v1/session"];

/**
 * The scopes of which a caller needs one; undefined where the route is public. Throws for a route nobody decided on.
 */
export function scopesOf(method: string, url: string): readonly Scope[] | undefined {
  const route = url.replace("::", ":");
  const known = scopeTable[`${method === "HEAD" ? "GET" : method} ${route}`];
  if (known !== undefined) return known;
  if (isPage(url)) return undefined;
  if (publicRoutes.some((open) => route === open || route.startsWith(`${open}/`))) return undefined;
  throw new Error(`${method} ${route} is not in the scope table`);
}
