import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { Registry } from "@meterbook/core/ports/registry";
import type { ApiContext } from "../../api-context.ts";
import { ApiProblem } from "../../http/problems/problem.ts";

type Known = Awaited<ReturnType<Registry["usagePoints"]>>[number];

export interface ListedPoint extends Omit<Known, "recordedAtMs"> {
  /** Absent where nobody has spoken of the point. */
  readonly recordedAtMs: number | undefined;
}

/** Of a meter of that name, which nobody has said to be anywhere else. */
export function ownPoint(meterId: string): ListedPoint {
  return { usagePointId: meterId, version: 0, recordedAtMs: undefined, by: "", reason: "", record: null };
}

/** A usage point of which the registry or a meter has spoken. */
export interface KnownUsagePoint extends ListedPoint {
  /** All that are or were there. */
  readonly meters: readonly MeterRecord[];
}

/** @throws ApiProblem `usage_point_unknown` */
export async function knownUsagePoint({ ports }: ApiContext, id: string): Promise<KnownUsagePoint> {
  const [found, meters] = await Promise.all([ports.registry.usagePoint(id), ports.registry.metersAt(id)]);
  if (found !== undefined) return { usagePointId: id, ...found, meters };
  if (meters.length === 0) {
    const detail = `usage point ${id} is not in the registry, and no meter is there`;
    throw new ApiProblem("usage_point_unknown", detail);
  }
  return { ...ownPoint(id), meters };
}

/**
 * The same, and the point of a meter that reports and has no record.
 * @throws ApiProblem `usage_point_unknown`
 */
export async function shownUsagePoint(context: ApiContext, id: string): Promise<KnownUsagePoint> {
  try {
    return await knownUsagePoint(context, id);
  } catch (error) {
    if (!(error instanceof ApiProblem) || (await context.ports.series.meter(id)) === undefined) throw error;
    const { registry } = context.ports;
    // A meter that is registered is where its record says, or nobody can say where.
    if ((await registry.meterVersion(id)) !== undefined) throw error;
    return { ...ownPoint(id), meters: [{ meterId: id, usagePointId: id, registers: [] }] };
  }
}
