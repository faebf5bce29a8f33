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

export function seriesEars({ tell, nowMs }: DamageEars = noEars): TellSeriesRow {
  return ({ where, detail, help, meterId = null, lost = null }) =>
    tell(damageAt("series", where, { code: "checksum_mismatch", detail }, { help, meterId, lost, foundAtMs: nowMs() }));
}
