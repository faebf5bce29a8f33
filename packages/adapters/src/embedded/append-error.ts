import { AdapterError } from "@meterbook/core/ports/adapter-error";

/** SQLITE_FULL and SQLITE_IOERR, with which a full disk or an exceeded quota shows itself. */
const noRoomCodes = new Set([10, 13]);

/** What a failed append means to the caller: no room (goes on when there is some), or another fault of the disk. */
export function appendError(cause: unknown): AdapterError {
  const code = (cause as { errcode?: unknown }).errcode;
  // The low byte is the primary code; the rest says which operation it was.
  const full = typeof code === "number" && noRoomCodes.has(code & 0xff);
  return new AdapterError(full ? "log_full" : "log_append_failed", { retryable: true, cause });
}
