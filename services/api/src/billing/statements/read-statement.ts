import { valueAt } from "@meterbook/core/domain/registry/usage-point";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { composeStatement, type IssuedMonth } from "@meterbook/core/domain/statement/compose-statement";
import type { Statement } from "@meterbook/core/domain/statement/statement";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { ApiContext } from "../../api-context.ts";

/**
 * A usage point's month from what was issued; undefined where nothing ever was.
 *
 * @throws AdapterError `record_damaged`
 */
export async function readStatement(
  { ports, timeZone }: Pick<ApiContext, "ports" | "timeZone">,
  period: number,
  usagePointId: string,
): Promise<Statement | undefined> {
  const { snapshots, registry } = ports;
  const ids = await snapshots.metersOfUsagePoint(period, usagePointId);
  if (ids.length === 0) return undefined;
  const [months, meters, point] = await Promise.all([
    Promise.all(ids.map((id) => issuedMonth(snapshots, id, period))),
    registry.metersAt(usagePointId),
    registry.usagePoint(usagePointId),
  ]);
  const record = point?.record ?? null;
  const zone = valueAt(record?.zone, Number.POSITIVE_INFINITY) ?? meters[0]?.zone ?? timeZone;
  const calendar = localCalendar(zone);
  const span = { start: calendar.startOf(period), boundary: calendar.boundaryOf(period) };
  const issued = months.filter((month) => month !== undefined);
  return composeStatement({ usagePointId, period, span, issued, meters, point: record });
}

async function issuedMonth(
  snapshots: Pick<ApiContext["ports"]["snapshots"], "find" | "revisions">,
  meterId: string,
  period: number,
): Promise<IssuedMonth | undefined> {
  const latest = await snapshots.find(meterId, period);
  if (latest === undefined) return undefined;
  return { latest, firstFinal: await firstFinal(snapshots, latest) };
}

/** Only where something was revised since: most months are read once. */
async function firstFinal(
  snapshots: Pick<ApiContext["ports"]["snapshots"], "revisions">,
  { meterId, period, lifecycle }: Snapshot,
): Promise<Snapshot | undefined> {
  if (lifecycle !== "revised") return undefined;
  return (await snapshots.revisions(meterId, period)).find((revision) => revision.lifecycle === "final");
}
