import type { ApiContext } from "../api-context.ts";

export interface FoundMeter {
  readonly meterId: string;
  readonly usagePointId: string;
  readonly registered: boolean;
}

type Found = Map<string, FoundMeter>;

/**
 * Meters whose id is `text` or begins with it: of the registry, and of the newest month that was issued, where meters
 * without a record are too. A meter that has only just begun to report is found by its whole id. Both are read by key,
 * whatever the size of the fleet.
 */
export async function findMeters(context: ApiContext, text: string, limit: number): Promise<readonly FoundMeter[]> {
  const found: Found = new Map();
  await Promise.all([
    findIssued(context, text, limit, found),
    findRegistered(context, text, limit, found),
    findReporting(context, text, found),
  ]);
  const isExact = ({ meterId }: FoundMeter) => Number(meterId !== text);
  return [...found.values()]
    .sort((a, b) => isExact(a) - isExact(b) || (a.meterId < b.meterId ? -1 : 1))
    .slice(0, limit);
}

async function findRegistered({ ports }: ApiContext, text: string, limit: number, found: Found): Promise<void> {
  const records = await ports.registry.list({ afterMeterId: justBefore(text), limit });
  for (const { meterId, usagePointId } of records)
    if (meterId.startsWith(text)) found.set(meterId, { meterId, usagePointId, registered: true });
}

async function findIssued({ ports }: ApiContext, text: string, limit: number, found: Found): Promise<void> {
  const period = (await ports.snapshots.periods()).at(-1);
  if (period === undefined) return;
  const entries = await ports.snapshots.latest({ period, afterMeterId: justBefore(text), limit });
  for (const { snapshot } of entries) {
    const { meterId, usagePointId } = snapshot;
    if (meterId.startsWith(text) && !found.has(meterId))
      found.set(meterId, { meterId, usagePointId, registered: false });
  }
}

async function findReporting({ ports }: ApiContext, text: string, found: Found): Promise<void> {
  const stored = await ports.series.meter(text);
  if (stored === undefined || found.has(text)) return;
  found.set(text, { meterId: text, usagePointId: text, registered: false });
}

/** Sorts before `text` and after all that sorts before it: ids hold nothing that sorts after `z`. */
function justBefore(text: string): string {
  return `${text.slice(0, -1)}${String.fromCharCode(text.charCodeAt(text.length - 1) - 1)}~`;
}
