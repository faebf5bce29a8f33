import type { Damage } from "./damage.ts";

/**
 * The place of a damaged block of a meter's day. It contains the checksum of the bytes that were found, so that another
 * damage of the same day is another entry.
 *
 * @param date `YYYY-MM-DD`, UTC
 * @param bytes their CRC-32
 */
export function dayPlace(meterId: string, date: string, bytes: number): string {
  return `${meterId} ${date} bytes ${bytes.toString(16).padStart(8, "0")}`;
}

/** Whether it is a damaged block, which holds its meter back until it is rebuilt; other damage of a store does not. */
export function isDamagedDay({ place, meterId, where }: Pick<Damage, "place" | "meterId" | "where">): boolean {
  return place === "series" && meterId !== null && / \d{4}-\d\d-\d\d bytes [0-9a-f]{8}$/.test(where);
}
