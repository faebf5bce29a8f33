import type { ListenAddress } from "../settings/setting-schema.ts";

export interface Explained {
  /** For the operator: what failed, and which setting is about it. */
  readonly line: string;
  /** Whether the world is the cause. Otherwise it is a bug, and the stack helps. */
  readonly expected: boolean;
}

/** The settings that an explanation may name. */
export interface ExplainSettings {
  readonly dataDir: string;
  readonly mqttListen: ListenAddress;
  readonly httpListen: ListenAddress;
}

const unfitDirectory = "directory_unfit: ";

/** Puts an error of a start into words. */
export function explainError(error: unknown, settings: ExplainSettings): Explained {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    // Its own words name the setting. What the system says beneath would be taken for the data directory's.
    if (cause.message.startsWith("METERBOOK_")) return { line: cause.message.replaceAll("\n", "; "), expected: true };
    const line = worldlyLine(cause, settings);
    if (line !== undefined) return { line, expected: true };
  }
  if (!(error instanceof Error)) return { line: String(error), expected: false };
  // What is wrong with a data directory is a list: what is wrong, what is lost, and the commands to go on with, each on
  // its own line.
  if (error.message.startsWith(unfitDirectory))
    return { line: error.message.slice(unfitDirectory.length), expected: true };
  // By its name, because an error that comes from another thread has lost its class.
  return { line: error.message.replaceAll("\n", "; "), expected: error.name === "AdapterError" };
}

type SystemError = NodeJS.ErrnoException & { readonly address?: string; readonly port?: number };

function worldlyLine(error: SystemError, settings: ExplainSettings): string | undefined {
  if (error.syscall === "listen") return listenLine(error, settings);
  if (error.code === "ERR_SQLITE_ERROR" && /locked|busy/.test(error.message)) {
    return `the data in ${settings.dataDir} is in use by another Meterbook: stop it, or set METERBOOK_DATA_DIR`;
  }
  if (error.code === "ERR_SQLITE_ERROR" && /full/.test(error.message))
    return `no room on the disk of ${settings.dataDir} (METERBOOK_DATA_DIR)`;
  switch (error.code) {
    case "ENOSPC":
      return `no room on the disk of ${error.path ?? settings.dataDir} (METERBOOK_DATA_DIR)`;
    case "EACCES":
    case "EPERM":
    case "EROFS":
    case "ENOTDIR":
    case "ENOENT":
    case "EEXIST":
      return error.path === undefined
        ? undefined
        : `cannot use ${error.path}: ${error.code} (METERBOOK_DATA_DIR is ${settings.dataDir})`;
    case "ECONNREFUSED":
    case "ENOTFOUND":
    case "ETIMEDOUT":
      return `cannot reach a server: ${error.message}`;
    default:
      return undefined;
  }
}

function listenLine(error: SystemError, settings: ExplainSettings): string {
  const name = listenSetting(error, settings);
  const address = `${error.address ?? ""}:${error.port ?? ""}`;
  if (error.code === "EADDRINUSE") {
    return `${address} is in use by another program: stop it, or set ${name} to another address (port 0 = a free one)`;
  }
  if (error.code === "EACCES") return `not allowed to listen on ${address}: set ${name} to a port above 1023`;
  return `cannot listen on ${address} (${error.code ?? error.message}): set ${name} to an address of this machine`;
}

function listenSetting(error: SystemError, settings: ExplainSettings): string {
  if (settings.mqttListen.port === settings.httpListen.port) return "METERBOOK_MQTT_LISTEN or METERBOOK_HTTP_LISTEN";
  return error.port === settings.httpListen.port ? "METERBOOK_HTTP_LISTEN" : "METERBOOK_MQTT_LISTEN";
}
