import type { DamageCode } from "@meterbook/core/domain/damage/damage";
import type { FileName } from "../directory/directory-files.ts";

/** A row whose bytes are not what they were, or not what they say. */
export interface WrongRow {
  readonly file: FileName;
  readonly code: DamageCode;
  readonly where: string;
  readonly detail: string;
  readonly meterId: string | null;
}
