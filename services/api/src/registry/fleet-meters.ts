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
  for (let from = after; ; ) {
    const { meters, end } = await knownMetersAfter(ports, asked, from, size);
    yield meters;
    if (end === undefined) return;
    from = end;
    // Others get their turn between two pages, of which most may have nothing.
    await nextTurn();
  }
}

export interface KnownMetersStep {
  readonly meters: readonly FleetMeter[];
  /** All ids up to this one are looked at; undefined where nothing follows. */
  readonly end: string | undefined;
}

/** One step of the walk. */
export async function knownMetersAfter(
  ports: Ports,
  asked: MetersAsked,
  after: string | undefined,
  size: number,
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
  return { meters: await pageOf(ports, asked, { records, reporting, end }), end };
}

interface Walked {
  readonly records: readonly MeterRecord[];
  readonly reporting: readonly string[];
  /** Of the page; undefined where nothing follows it. */
  readonly end: string | undefined;
}

async function pageOf(ports: Ports, asked: MetersAsked, { records, reporting, end }: Walked): Promise<FleetMeter[]> {
  const recordOf = new Map(records.map((record) => [record.meterId, record]));
  const reports = new Set(reporting);
  const ids = [...new Set([...recordOf.keys(), ...reporting])]
    .filter((id) => end === undefined || id <= end)
    .filter((id) => (asked.registered ?? recordOf.has(id)) === recordOf.has(id))
    .filter((id) => (asked.reported ?? reports.has(id)) === reports.has(id))
    .filter((id) => asked.installed === undefined || isInstalled(recordOf.get(id)) === asked.installed)
    .sort();
  const heard = ids.filter((id) => reports.has(id));
  const newest = asked.withoutNewest ? [] : await ports.series.newestOf(heard);
  const newestOf = new Map(heard.map((id, index) => [id, newest[index]]));
  const found: FleetMeter[] = [];
  for (const meterId of ids) {
    const record = recordOf.get(meterId);
    const newestAt = newestOf.get(meterId);
    // It is listed and has no reading: its first one is just being taken in.
    const hasReported = reports.has(meterId) && (newestAt !== undefined || asked.withoutNewest === true);
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
