import { AdapterError, messageOf } from "@meterbook/core/ports/adapter-error";

/** SQLITE_FULL and SQLITE_IOERR, with which a full disk or an exceeded quota shows itself. */
const noRoomCodes = new Set([10, 13]);

function isFull(cause: unknown): boolean {
  const code = (cause as { errcode?: unknown }).errcode;
  // The low byte is the primary code; the rest says which operation it was.
  return typeof code === "number" && noRoomCodes.has(code & 0xff);
}

/** Which disk, and the setting that says where it is: whoever reads it wants to make room there. */
function detailOf(cause: unknown, file: string | null): { detail: string } | undefined {
  if (file === null || !isFull(cause)) return undefined;
  const said = messageOf(cause);
  return { detail: `no room on the disk of ${file} (METERBOOK_DATA_DIR): ${said}` };
}

/** What a failed append means to the caller: no room (goes on when there is some), or another fault of the disk. */
export function appendError(cause: unknown, file: string | null): AdapterError {
  const code = isFull(cause) ? "log_full" : "log_append_failed";
  return new AdapterError(code, { retryable: true, cause, ...detailOf(cause, file) });
}

/** A write to a store that failed and may succeed later. */
export function storeWriteError(cause: unknown, file: string | null): AdapterError {
  return new AdapterError("store_write_failed", { retryable: true, cause, ...detailOf(cause, file) });
}
