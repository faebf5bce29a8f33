import { isId } from "@meterbook/core/domain/reading/identifiers";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { ApiContext } from "../api-context.ts";

export interface FoundMeter {
  /** A meter, or a place that has another name than its meter. */
  readonly kind: "meter" | "usage-point";
  /** Of a usage point the meter that is there, if any. */
  readonly meterId: string | null;
  readonly usagePointId: string;
  readonly registered: boolean;
  readonly serialNumber?: string;
}

/** Fewer signs end too many names. */
const endingMin = 3;

type Found = Map<string, FoundMeter>;

/**
 * Meters and usage points whose id, and meters whose serial number, is `text` or begins with it: of the registry, of
 * the newest month that was issued, and of the meters that have readings. After them meters of the registry of which
 * one of the two ends with it. All are read by key, whatever the size of the fleet.
 */
export async function findMeters(context: ApiContext, text: string, limit: number): Promise<readonly FoundMeter[]> {
  const found: Found = new Map();
  const byId = [findIssued, findRegistered, findReporting, findPoints];
  // Before the others, so that what is found twice is what they say of it.
  if (text.length >= endingMin) await findEnding(context, text, limit, found);
  await Promise.all([
    // A serial number may be more than an id can be.
    ...(isId(text) ? byId.map((find) => find(context, text, limit, found)) : []),
    findLabelled(context, text, limit, found),
  ]);
  const nameOf = ({ kind, meterId, usagePointId }: FoundMeter) => (kind === "meter" ? (meterId ?? "") : usagePointId);
  const folded = text.toUpperCase();
  const rank = (one: FoundMeter) => {
    const names = [nameOf(one), one.serialNumber ?? ""];
    if (names.includes(text)) return 0;
    return names.some((name) => name.toUpperCase().startsWith(folded)) ? 1 : 2;
  };
  return [...found.values()].sort((a, b) => rank(a) - rank(b) || (nameOf(a) < nameOf(b) ? -1 : 1)).slice(0, limit);
}

async function findRegistered({ ports }: ApiContext, text: string, limit: number, found: Found): Promise<void> {
  const records = await ports.registry.list({ afterMeterId: justBefore(text), limit });
  for (const record of records) if (record.meterId.startsWith(text)) found.set(record.meterId, registered(record));
}

async function findEnding({ ports }: ApiContext, text: string, limit: number, found: Found): Promise<void> {
  const records = await ports.registry.metersByEnding({ ending: text, limit });
  for (const record of records) found.set(record.meterId, registered(record));
}

async function findLabelled({ ports }: ApiContext, text: string, limit: number, found: Found): Promise<void> {
  const records = await ports.registry.metersBySerial({ prefix: text, limit });
  for (const record of records) found.set(record.meterId, registered(record));
}

function registered({ meterId, usagePointId, serialNumber }: MeterRecord): FoundMeter {
  const label = serialNumber === undefined ? {} : { serialNumber };
  return { kind: "meter", meterId, usagePointId, registered: true, ...label };
}

/** Places of another name than their meter's; the others are found by their meter. */
async function findPoints({ ports }: ApiContext, text: string, limit: number, found: Found): Promise<void> {
  const points = await ports.registry.usagePoints({ afterUsagePointId: justBefore(text), limit });
  for (const { usagePointId } of points) {
    if (!usagePointId.startsWith(text)) return;
    const meters = await ports.registry.metersAt(usagePointId);
    const there = meters.find((meter) => meter.usagePointId === usagePointId && meter.removed === undefined);
    if (meters.every(({ meterId }) => meterId === usagePointId) && meters.length > 0) continue;
    const meterId = there?.meterId ?? null;
    // No meter id has such a sign.
    found.set(`point:${usagePointId}`, { kind: "usage-point", meterId, usagePointId, registered: true });
  }
}

async function findIssued({ ports }: ApiContext, text: string, limit: number, found: Found): Promise<void> {
  const period = (await ports.snapshots.periods()).at(-1);
  if (period === undefined) return;
  const entries = await ports.snapshots.latest({ period, afterMeterId: justBefore(text), limit });
  for (const { snapshot } of entries) {
    const { meterId, usagePointId } = snapshot;
    if (meterId.startsWith(text) && !found.has(meterId))
      found.set(meterId, { kind: "meter", meterId, usagePointId, registered: false });
  }
}

/** The list of meters may know of one a while after its first reading; the meter itself is there at once. */
async function findReporting({ ports }: ApiContext, text: string, limit: number, found: Found): Promise<void> {
  const [stored, ids] = await Promise.all([ports.series.meter(text), ports.series.meterIds({ prefix: text, limit })]);
  for (const meterId of stored === undefined ? ids : [text, ...ids])
    if (!found.has(meterId)) found.set(meterId, { kind: "meter", meterId, usagePointId: meterId, registered: false });
}

/** Sorts before `text` and after all that sorts before it: ids hold nothing that sorts after `z`. */
function justBefore(text: string): string {
  return `${text.slice(0, -1)}${String.fromCharCode(text.charCodeAt(text.length - 1) - 1)}~`;
}
