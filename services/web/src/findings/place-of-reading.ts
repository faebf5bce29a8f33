const marginMs = 36 * 3_600_000;

/** The meter's page at a moment, with what lies around it. */
export function placeOfReading(meterId: string, register: string, at: string): string {
  const edge = (by: number) => `${new Date(Date.parse(at) + by).toISOString().slice(0, 16)}Z`;
  return `/meters/${encodeURIComponent(meterId)}?register=${register}&from=${edge(-marginMs)}&to=${edge(marginMs)}`;
}
