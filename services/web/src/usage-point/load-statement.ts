import { api, ask, CallProblem, type Schemas } from "../api/client.ts";

export type Statement = Schemas["Statement"];
export type Segment = Statement["registers"][number]["segments"][number];
export type Revision = Schemas["Snapshot"];
export type SnapshotRow = Revision["registers"][number];

/** A month of a usage point, and every revision of the meters that it is made of. */
export interface ToldStatement {
  readonly statement: Statement;
  readonly revisions: readonly Revision[];
  /** Of its first meter: a place does not move. */
  readonly zone: string;
}

export async function loadStatement(usagePointId: string, period: string, signal: AbortSignal): Promise<ToldStatement> {
  const path = { usagePointId, period };
  const statement = await ask(
    api.GET("/v1/usage-points/{usagePointId}/statements/{period}", { params: { path }, signal }),
  );
  const meterIds = [...new Set(statement.snapshots.map(({ id }) => id.split("/")[0] as string))];
  const [zone, revisions] = await Promise.all([
    zoneOf(meterIds[0], signal),
    Promise.all(meterIds.map((meterId) => revisionsOf(meterId, period, signal))),
  ]);
  return { statement, revisions: revisions.flat(), zone };
}

async function zoneOf(meterId: string | undefined, signal: AbortSignal): Promise<string> {
  if (meterId === undefined) return "UTC";
  return (await ask(api.GET("/v1/meters/{meterId}", { params: { path: { meterId } }, signal }))).zone;
}

async function revisionsOf(meterId: string, period: string, signal: AbortSignal): Promise<readonly Revision[]> {
  const path = { meterId, period };
  const { items } = await ask(
    api.GET("/v1/meters/{meterId}/snapshots/{period}/revisions", { params: { path }, signal }),
  );
  return items;
}

/** The row of the issued month that a segment was taken from. */
export function rowOf(
  { statement, revisions }: ToldStatement,
  register: string,
  segment: Segment,
): { readonly row: SnapshotRow; readonly snapshot: Revision } | undefined {
  const snapshot = revisions.find(({ id }) => id === segment.snapshotId);
  const rows = snapshot?.registers.filter((row) => row.register === register) ?? [];
  const row = rows.find(({ from }) => (from ?? statement.from) === segment.from) ?? rows[0];
  return snapshot === undefined || row === undefined ? undefined : { row, snapshot };
}

/** The statements of the newest months, the newest first; months of which nothing was issued are left out. */
export async function loadMonths(
  usagePointId: string,
  most: number,
  signal: AbortSignal,
): Promise<readonly Statement[]> {
  const params = { path: { usagePointId }, query: { limit: most } };
  const call = ask(api.GET("/v1/usage-points/{usagePointId}/statements", { params, signal }));
  return (await call.catch(orNothing))?.items ?? [];
}

/** Nothing is known of it, or nothing yet: what else goes wrong is told. */
export function orNothing(error: unknown): undefined {
  const nothing = ["statement_unknown", "period_open", "usage_point_unknown"];
  if (error instanceof CallProblem && nothing.includes(error.code)) return undefined;
  throw error;
}
