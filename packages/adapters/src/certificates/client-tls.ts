import { createSecureContext } from "node:tls";
import { messageOf } from "@meterbook/core/ports/adapter-error";
import type { CertificateWatch, Duties } from "./certificate-watch.ts";
import { namesOfTlsFiles, type Pem, readTlsFiles, type TlsFiles } from "./tls-files.ts";
import { watchFiles } from "./watched-files.ts";

/** A server that refuses us is a problem of its own; here it is only said why. */
const clientDuties: Duties = {
  CERT_FILE: { stops: false, says: "servers that look at it refuse new connections" },
  CA_FILE: { stops: false, says: "we refuse servers that show a certificate of it" },
  CRL_FILE: { stops: false, says: "we refuse servers whose certificates it is about" },
};

/**
 * The files with which we connect to a server, as they are by now: what was renewed counts for the next connection.
 *
 * @throws Error where they cannot be used at the start.
 */
export function watchClientTls(
  files: TlsFiles,
  { settings, certificates, everyMs }: ClientTlsOptions,
): { pem(): Pem; close(): void } {
  const watched = named(settings, () =>
    watchFiles({
      files: namesOfTlsFiles(files),
      read() {
        const content = readTlsFiles(files);
        createSecureContext(content.pem);
        return content;
      },
      everyMs,
      changed: (content) => certificates?.uses(settings, content, clientDuties),
      failed: (error) => certificates?.failed(settings, error),
    }),
  );
  certificates?.uses(settings, watched.current(), clientDuties);
  return { pem: () => watched.current().pem, close: watched.close };
}

function named<Made>(settings: string, open: () => Made): Made {
  try {
    return open();
  } catch (cause) {
    throw new Error(`${settings}*: ${messageOf(cause)}`, { cause });
  }
}

export interface ClientTlsOptions {
  /** How the names of the settings begin. */
  readonly settings: string;
  /** Told of what is in use; nobody where absent. */
  readonly certificates?: CertificateWatch | undefined;
  readonly everyMs?: number;
}
