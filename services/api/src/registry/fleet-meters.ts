import { setImmediate as nextTurn } from "node:timers/promises";
import { installationsOf } from "@meterbook/core/domain/registry/installations";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { ApiContext } from "../api-context.ts";

/** A meter that is registered, or reports, or both. */
export interface FleetMeter {
  readonly meterId: string;
  readonly record: MeterRecord | undefined;
  readonly hasReported: boolean;
  /** Seconds UTC; undefined where there is none, or where what would say so is damaged. */
  readonly newestAt: number | undefined;
}

export interface MetersAsked {
  /** All where absent. */
  readonly registered?: boolean | undefined;
  readonly reported?: boolean | undefined;
  /** Whether the record says of any installation since when the meter is there. */
  readonly installed?: boolean | undefined;
  /** `newestAt` is left out: nothing is read of the meters. */
  readonly withoutNewest?: boolean;
}

type Ports = Pick<ApiContext["ports"], "registry" | "series">;

/**
 * All meters ordered by id, `size` of the registry and of the store at a time: both are ordered, so one walk goes
 * through the two. A page may be empty where filters leave nothing of it.
 */
export async function* knownMeters(
  ports: Ports,
  asked: MetersAsked,
  after: string | undefined,
  size: number,
): AsyncGenerator<readonly FleetMeter[]> {
  for await (const { meters } of stepsOfKnownMeters(ports, asked, after, { size })) yield meters;
}

/** How far one step of the walk goes. */
interface StepSize {
  /** So many of the registry and of the store are gone over. */
  readonly size: number;
  /** Most meters to find, after which the step ends; `size` where absent. More is not looked up than this. */
  readonly foundMax?: number;
}

export interface KnownMetersStep {
  readonly meters: readonly FleetMeter[];
  /** All ids up to this one are looked at; undefined where nothing follows. */
  readonly end: string | undefined;
}

/** The same, with how far each step came. */
export async function* stepsOfKnownMeters(
  ports: Ports,
  asked: MetersAsked,
  after: string | undefined,
  step: StepSize,
): AsyncGenerator<KnownMetersStep> {
  for (let from = after; ; ) {
    const found = await knownMetersAfter(ports, asked, from, step);
    yield found;
    if (found.end === undefined) return;
    from = found.end;
    // Others get their turn between two steps, of which most may have nothing.
    await nextTurn();
  }
}

/** One step of the walk. */
export async function knownMetersAfter(
  ports: Ports,
  asked: MetersAsked,
  after: string | undefined,
  { size, foundMax = size }: StepSize,
): Promise<KnownMetersStep> {
  const place = after === undefined ? {} : { afterMeterId: after };
  const [records, reporting] = await Promise.all([
    ports.registry.list({ ...place, limit: size }),
    ports.series.meterIds({ ...place, limit: size }),
  ]);
  // What lies behind the end of a full page may be missing in it.
  const ends = [
    ...(records.length < size ? [] : [records.at(-1)?.meterId ?? ""]),
    ...(reporting.length < size ? [] : [reporting.at(-1) ?? ""]),
  ].sort();
  const [end] = ends;
  const walked = { recordOf: new Map(records.map((one) => [one.meterId, one])), listed: new Set(reporting) };
  const ids = candidates(asked, walked, end);
  const meters: FleetMeter[] = [];
  for (let first = 0; first < ids.length; ) {
    const some = ids.slice(first, first + foundMax - meters.length);
    meters.push(...(await lookedUp(ports, asked, walked, some)));
    first += some.length;
    if (meters.length >= foundMax && first < ids.length) return { meters, end: some.at(-1) };
  }
  return { meters, end };
}

interface Walked {
  readonly recordOf: ReadonlyMap<string, MeterRecord>;
  /** As the store lists them: one that has begun to report may not be in it yet. */
  readonly listed: ReadonlySet<string>;
}

/** Ids up to the end that may be of meters that are asked for, in order. */
function candidates(asked: MetersAsked, { recordOf, listed }: Walked, end: string | undefined): string[] {
  return [...new Set([...recordOf.keys(), ...listed])]
    .filter((id) => end === undefined || id <= end)
    .filter((id) => (asked.registered ?? recordOf.has(id)) === recordOf.has(id))
    .filter((id) => asked.reported !== false || !listed.has(id))
    .filter((id) => asked.reported !== true || asked.withoutNewest !== true || listed.has(id))
    .filter((id) => asked.installed === undefined || isInstalled(recordOf.get(id)) === asked.installed)
    .sort();
}

async function lookedUp(
  ports: Ports,
  asked: MetersAsked,
  { recordOf, listed }: Walked,
  ids: readonly string[],
): Promise<FleetMeter[]> {
  const newest = asked.withoutNewest ? undefined : await ports.series.newestOf(ids);
  const found: FleetMeter[] = [];
  for (const [index, meterId] of ids.entries()) {
    const record = recordOf.get(meterId);
    const newestAt = newest?.[index];
    // One that is listed and has no reading: its first one is just being taken in.
    const hasReported = newest === undefined ? listed.has(meterId) : newestAt !== undefined;
    if (!listed.has(meterId) && (asked.reported ?? hasReported) !== hasReported) continue;
    if (record === undefined && (!hasReported || (await isDamaged(ports, meterId)))) continue;
    found.push({ meterId, record, hasReported, newestAt: newestAt ?? undefined });
  }
  return found;
}

function isInstalled(record: MeterRecord | undefined): boolean {
  return record !== undefined && installationsOf(record).some(({ installed }) => installed !== undefined);
}

/** Lists of the registry leave it out; it is not a meter without a record. */
async function isDamaged({ registry }: Ports, meterId: string): Promise<boolean> {
  try {
    await registry.get(meterId);
    return false;
  } catch (error) {
    if (error instanceof AdapterError && error.code === "record_damaged") return true;
    throw error;
  }
}
