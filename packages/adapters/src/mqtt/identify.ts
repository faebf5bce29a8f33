import { readFileSync } from "node:fs";
import { TLSSocket } from "node:tls";
import type { Identify } from "./connection-context.ts";
import type { EndpointEvents } from "./endpoint-events.ts";
import { identitiesOf, parseIdentities } from "./identities.ts";
import { watchFiles } from "./watched-files.ts";

export interface IdentifyOptions {
  /** Clients show a certificate that was verified, and are who it says; user names are not looked at. */
  readonly by: "certificate" | "password";
  readonly identitiesFile: string | undefined;
  readonly lookEveryMs?: number | undefined;
  readonly events: Pick<EndpointEvents, "filesFailed">;
}

/**
 * How the endpoint knows who a client is.
 *
 * @throws Error that names METERBOOK_MQTT_IDENTITIES_FILE where the file cannot be used.
 */
export function identifying(options: IdentifyOptions): { identify: Identify; close(): void } {
  const { by, identitiesFile, lookEveryMs, events } = options;
  const watched = watchFiles({
    files: identitiesFile === undefined ? [] : [identitiesFile],
    read: () => identitiesOf(identitiesFile === undefined ? [] : readIdentities(identitiesFile)),
    ...(lookEveryMs === undefined ? {} : { everyMs: lookEveryMs }),
    failed: (error) => events.filesFailed({ error }),
  });
  return {
    close: watched.close,
    identify(socket, { username, password }) {
      if (by === "certificate") return watched.current().certified(commonName(socket)) ?? "not_authorised";
      if (username === undefined) return "not_authorised";
      return watched.current().known(username, password) ?? "bad_credentials";
    },
  };
}

function commonName(socket: unknown): unknown {
  return socket instanceof TLSSocket ? socket.getPeerCertificate().subject?.CN : undefined;
}

function readIdentities(file: string) {
  try {
    return parseIdentities(readFileSync(file, "utf8"));
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`METERBOOK_MQTT_IDENTITIES_FILE ${file}: ${said}`, { cause });
  }
}
