import type { FoundDamage } from "../domain/damage/damage.ts";

export type AdapterErrorCode =
  | "log_append_failed"
  | "log_full"
  | "log_closed"
  | "rejected_full"
  | "store_write_failed"
  | "store_read_failed"
  | "store_damaged"
  /** It has less than it said it had kept: it is to be opened again. */
  | "store_behind"
  | "ledger_fenced"
  | "record_damaged"
  | "directory_unfit"
  | "endpoint_failed"
  | "servers_unfit";

/** The outside world failed. `retryable` is the adapter's promise, so callers never parse messages. */
export class AdapterError extends Error {
  override readonly name = "AdapterError";
  readonly code: AdapterErrorCode;
  readonly retryable: boolean;
  /** What was found damaged, for the damage log. */
  readonly damage: FoundDamage | undefined;

  constructor(
    code: AdapterErrorCode,
    options: { retryable: boolean; cause?: unknown; detail?: string; damage?: FoundDamage },
  ) {
    const detail = options.detail ?? (options.cause instanceof Error ? options.cause.message : "");
    super(detail === "" ? code : `${code}: ${detail}`, { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable;
    this.damage = options.damage;
  }
}

/** What whatever was thrown says. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
