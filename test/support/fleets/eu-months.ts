/** Zones of the European Union's clock: hours east of UTC in winter. */
export const euZones = { "Europe/Berlin": 1, "Europe/Kyiv": 2 } as const;
export type EuZone = keyof typeof euZones;

/** Months since year 0, `year * 12 + month - 1`. */
export function monthNumber(name: string): number {
  const [year, month] = name.split("-").map(Number) as [number, number];
  return year * 12 + month - 1;
}

export function monthName(month: number): string {
  return `${Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, "0")}`;
}

/**
 * The local midnight that begins a month, in seconds UTC. The clock changes on the last Sundays of March and October,
 * so the first of April to the first of October are in summer time: no library and no zone data needed.
 */
export function monthStart(zone: EuZone, month: number): number {
  const isSummer = month % 12 >= 3 && month % 12 <= 9;
  const hoursEast = euZones[zone] + (isSummer ? 1 : 0);
  return Date.UTC(Math.floor(month / 12), month % 12, 1) / 1000 - hoursEast * 3600;
}
