import { crc32 } from "node:zlib";
import { damageId, type FoundDamage } from "@meterbook/core/domain/damage/damage";
import { dayPlace } from "@meterbook/core/domain/damage/damaged-day";
import { daySeconds } from "../series-database.ts";
import { epoch } from "./reading-block.ts";

/** The place of a damaged block. */
export function blockPlace(meter: string, day: number, block: Uint8Array): string {
  const date = new Date((epoch + day * daySeconds) * 1000).toISOString().slice(0, 10);
  return dayPlace(meter, date, crc32(block));
}

/** What is told of a damaged block, whoever meets it. */
export function blockDamage(meterId: string, where: string, why: string): FoundDamage {
  return {
    id: damageId("series", where),
    place: "series",
    code: "checksum_mismatch",
    where,
    detail: `a block of readings of meter ${meterId} in series.db is damaged: ${why}`,
    help: "it is made again from the readings log by itself; what the log no longer holds is counted, and a backup may have it",
    meterId,
    period: null,
    lost: null,
  };
}
