import { damageAt } from "@meterbook/core/domain/damage/damage";
import { type DamageEars, noEars } from "@meterbook/core/ports/damage-log";

/** Told of rows of the series store that are not as they were written. */
export type TellSeriesRow = (row: {
  readonly where: string;
  readonly detail: string;
  readonly help: string;
  readonly meterId?: string | null;
  readonly lost?: number | null;
}) => void;

/** Rows are numbered in each shard for itself. */
export function placeInShard(shard: number, where: string): string {
  return shard === 0 ? where : `shard ${shard} ${where}`;
}

export function seriesEars({ tell, nowMs }: DamageEars = noEars, shard = 0): TellSeriesRow {
  return ({ where: row, detail, help, meterId = null, lost = null }) => {
    const where = placeInShard(shard, row);
    tell(damageAt("series", where, { code: "checksum_mismatch", detail }, { help, meterId, lost, foundAtMs: nowMs() }));
  };
}
