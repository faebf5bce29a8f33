import { AdapterError } from "@meterbook/core/ports/adapter-error";

/** Whether the store has readings there that it can't give: its owner is held back, and nobody else. */
export function isDamage(error: unknown): error is AdapterError {
  return error instanceof AdapterError && error.code === "store_damaged";
}

export function unlessDamage(error: unknown): undefined {
  if (!isDamage(error)) throw error;
  return undefined;
}
