import { readFileSync } from "node:fs";
import { TLSSocket } from "node:tls";
import { messageOf } from "@meterbook/core/ports/adapter-error";
import type { Sender } from "@meterbook/core/ports/meter-endpoint";
import { watchFiles } from "../certificates/watched-files.ts";
import type { Identify } from "./connection/connection-context.ts";
import type { EndpointEvents } from "./endpoint-events.ts";
import { identitiesOf, parseIdentities } from "./identities.ts";

export interface IdentifyOptions {
  /** Clients show a certificate that was verified, and are who it says; user names are not looked at. */
  readonly by: "certificate" | "password";
  readonly identitiesFile: string | undefined;
  readonly lookEveryMs?: number | undefined;
  /** Called when others may be known than before. */
  readonly renewed: () => void;
  readonly events: Pick<EndpointEvents, "filesTaken" | "filesFailed">;
}

export interface Identifying {
  readonly identify: Identify;
  /** Whether whoever was let in as this sender still is who it was. */
  holds(sender: Sender): boolean;
  close(): void;
}

const settings = "METERBOOK_MQTT_IDENTITIES_FILE";

/**
 * How the endpoint knows who a client is.
 *
 * @throws Error that names METERBOOK_MQTT_IDENTITIES_FILE where the file cannot be used.
 */
export function identifying(options: IdentifyOptions): Identifying {
  const { by, identitiesFile, lookEveryMs, events, renewed } = options;
  const watched = watchFiles({
    files: identitiesFile === undefined ? [] : [identitiesFile],
    read: () => identitiesOf(identitiesFile === undefined ? [] : readIdentities(identitiesFile)),
    everyMs: lookEveryMs,
    changed() {
      events.filesTaken({ settings });
      renewed();
    },
    failed: (error) => events.filesFailed({ settings, error }),
  });
  return {
    holds: (sender) => watched.current().holds(sender),
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
    const said = messageOf(cause);
    throw new Error(`METERBOOK_MQTT_IDENTITIES_FILE ${file}: ${said}`, { cause });
  }
}
