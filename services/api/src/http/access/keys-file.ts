import { readFileSync } from "node:fs";
import { messageOf } from "@meterbook/core/ports/adapter-error";
import type { Caller, StoredKey } from "./api-keys.ts";
import { keyRing, parseKeys } from "./api-keys.ts";

/** Reads files again when they change; `packages/adapters` has it. */
export type WatchFiles = <Content>(options: {
  readonly files: readonly string[];
  readonly read: () => Content;
  readonly changed: () => void;
  readonly failed: (error: unknown) => void;
}) => { current(): Content; close(): void };

export interface KeysFileOptions {
  /** Absent: what the file holds at the start counts. */
  readonly watch?: WatchFiles | undefined;
  readonly nowMs: () => number;
  /** So long before its end a key is a notice. */
  readonly noticeMs: number;
  /** The file has changed and cannot be used. */
  readonly failed: (error: unknown) => void;
}

export interface KeysFile {
  readonly callerOf: (key: string) => Caller | "expired" | undefined;
  /** What an operator should know of the file. */
  notices(): readonly string[];
  close(): void;
}

interface Keys {
  readonly stored: readonly StoredKey[];
  readonly callerOf: (key: string) => Caller | undefined;
}

/**
 * The keys of METERBOOK_API_KEYS_FILE. A line that is added or removed counts without a restart. A file that cannot be
 * used leaves the keys as they were, and is a notice.
 *
 * @throws Error that names the setting if the file cannot be used at the start.
 */
export function openKeysFile(file: string, { watch, nowMs, noticeMs, failed }: KeysFileOptions): KeysFile {
  let failure: string | undefined;
  const read = () => readKeys(file);
  const watched = watch?.({
    files: [file],
    read,
    changed: () => {
      failure = undefined;
    },
    failed: (error) => {
      failed(error);
      failure = `${messageOf(error)}; the keys from before stay`;
    },
  });
  const atStart = watched?.current() ?? read();
  const current = () => watched?.current() ?? atStart;
  return {
    callerOf(key) {
      const caller = current().callerOf(key);
      return caller?.untilMs !== undefined && caller.untilMs <= nowMs() ? "expired" : caller;
    },
    notices() {
      const ends = current().stored.flatMap(({ name, until }) => endingSoon(name, until, nowMs(), noticeMs));
      return failure === undefined ? ends : [failure, ...ends];
    },
    close: () => watched?.close(),
  };
}

function endingSoon(name: string, until: string | undefined, nowMs: number, noticeMs: number): string[] {
  if (until === undefined || Date.parse(until) - nowMs > noticeMs) return [];
  const said = Date.parse(until) <= nowMs ? "ended at" : "ends at";
  return [`METERBOOK_API_KEYS_FILE: the key ${name} ${said} ${until}`];
}

function readKeys(file: string): Keys {
  try {
    const stored = parseKeys(readFileSync(file, "utf8"));
    return { stored, callerOf: keyRing(stored) };
  } catch (cause) {
    throw new Error(`METERBOOK_API_KEYS_FILE ${file}: ${messageOf(cause)}`, {
      cause,
    });
  }
}
