import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { TellDamage } from "@meterbook/core/ports/damage-log";

/** Whether the store has readings there that it can't give: its owner is held back, and nobody else. */
function isDamage(error: unknown): error is AdapterError {
  return error instanceof AdapterError && error.code === "store_damaged";
}

export function unlessDamage(error: unknown): undefined {
  if (!isDamage(error)) throw error;
  return undefined;
}

/** Tells of it, and throws everything else. */
export function tellDamage(damaged: TellDamage, nowMs: number): (error: unknown) => undefined {
  return (error) => {
    unlessDamage(error);
    const { damage } = error as AdapterError;
    if (damage !== undefined) damaged({ ...damage, foundAtMs: nowMs });
    return undefined;
  };
}
