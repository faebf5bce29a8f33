import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer as createTcpServer } from "node:net";
import {
  createSecureContext,
  createServer as createTlsServer,
  TLSSocket,
  type TlsOptions,
  type Server as TlsServer,
} from "node:tls";
import { AdapterError, messageOf } from "@meterbook/core/ports/adapter-error";
import { type PeerJudge, peerJudge } from "../certificates/peer-judge.ts";
import {
  namesOfTlsFiles,
  readTlsFiles,
  refuseOlderLists,
  type TlsContent,
  type TlsFiles,
} from "../certificates/tls-files.ts";
import { watchFiles } from "../certificates/watched-files.ts";
import type { EndpointEvents, RefusalReason } from "./endpoint-events.ts";

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly connectionsMax: number;
  /** Also for a TLS handshake. */
  readonly connectTimeoutMs: number;
  readonly tls?: TlsFiles | undefined;
  readonly filesLookEveryMs?: number | undefined;
  /** Called when certificates or revocation lists were renewed, with what is to be said of those who are connected. */
  readonly renewed: (judge: PeerJudge) => void;
  readonly events: Pick<EndpointEvents, "connectionRefused" | "filesTaken" | "filesFailed">;
}

export interface EndpointListener {
  /** `host:port` */
  readonly address: string;
  /** Takes no new connections. */
  close(): void;
}

const settings = "METERBOOK_MQTT_TLS_";
const tcpKeepAliveMs = 300_000;
/** A fleet that comes back after an outage comes all at once. */
const backlogMax = 4096;
const socketOptions = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: tcpKeepAliveMs,
  highWaterMark: 16_384,
};

/**
 * Hands over each connection once there is something to read from it: after the TLS handshake, where there are `tls`
 * files. With an authority among them a client must show a certificate of that authority. Renewed files take effect by
 * themselves; those that cannot be used are told, and the ones before stay.
 *
 * @throws AdapterError `endpoint_failed` when it cannot listen or a file cannot be used.
 */
export async function openListener(
  options: ListenerOptions,
  take: (socket: Socket) => void,
): Promise<EndpointListener> {
  const { tls, events, host, port } = options;
  const { server, close } = tls === undefined ? tcp(take) : secure(tls, options, take);
  server.maxConnections = options.connectionsMax;
  server.on("drop", () => events.connectionRefused({ reason: "connections_max" }));
  try {
    server.listen({ host, port, backlog: backlogMax });
    await once(server, "listening");
  } catch (cause) {
    close();
    throw new AdapterError("endpoint_failed", { retryable: false, cause });
  }
  server.on("error", () => events.connectionRefused({ reason: "accept_failed" }));
  return { address: addressOf(server), close };
}

function tcp(take: (socket: Socket) => void): { server: Server; close(): void } {
  const server = createTcpServer(socketOptions);
  server.on("connection", take);
  return { server, close: () => void server.close() };
}

function secure(
  tls: TlsFiles,
  { events, connectTimeoutMs, filesLookEveryMs, renewed }: ListenerOptions,
  take: (socket: Socket) => void,
): { server: TlsServer; close(): void } {
  const read = (before: TlsContent | undefined) => {
    const content = readTlsFiles(tls);
    if (before !== undefined) refuseOlderLists(before, content, tls.crlFile);
    // Says what is wrong with them before they are used.
    createSecureContext(content.pem);
    return content;
  };
  const files = usable(() =>
    watchFiles({
      files: namesOfTlsFiles(tls),
      read,
      everyMs: filesLookEveryMs,
      changed(content) {
        server.setSecureContext(content.pem);
        renewed(peerJudge(content, inUse));
        judge = peerJudge(content);
        inUse = content;
        events.filesTaken({ settings, content });
      },
      failed: (error) => events.filesFailed({ settings, error }),
    }),
  );
  let inUse = files.current();
  let judge = peerJudge(inUse);
  events.filesTaken({ settings, content: inUse });
  let closed = false;
  const server = createTlsServer({ ...socketOptions, ...tlsOptions(tls, connectTimeoutMs), ...inUse.pem });
  // A handshake that was under way may come to its end after `close`.
  server.on("secureConnection", (socket) => {
    if (closed) return socket.destroy();
    // Its handshake may have begun under the list before.
    const dismissal = dismissalOf(judge, socket);
    if (dismissal === undefined) return take(socket);
    events.connectionRefused({ reason: dismissal });
    socket.destroy();
  });
  server.on("tlsClientError", (error, socket) => {
    events.connectionRefused({ reason: handshakeFault(error, socket) });
    socket.destroy();
  });
  return {
    server,
    close() {
      closed = true;
      files.close();
      server.close();
    },
  };
}

/** Undefined where the certificate is good, or nobody asks for one. */
export function dismissalOf(
  judge: PeerJudge,
  socket: Socket,
): "certificate_revoked" | "certificate_refused" | undefined {
  const shown = socket instanceof TLSSocket && !socket.destroyed ? socket.getPeerX509Certificate() : undefined;
  const verdict = shown === undefined ? "good" : judge(shown);
  if (verdict === "good") return undefined;
  return verdict === "revoked" ? "certificate_revoked" : "certificate_refused";
}

/** What is wrong with a certificate stands on the socket; the error then says only that the connection is gone. */
function handshakeFault(error: NodeJS.ErrnoException, { authorizationError }: TLSSocket): RefusalReason {
  if (error.code === "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE") return "certificate_missing";
  switch (String(authorizationError ?? "")) {
    case "":
      return "tls_failed";
    case "CERT_HAS_EXPIRED":
      return "certificate_expired";
    case "CERT_REVOKED":
      return "certificate_revoked";
    case "CRL_HAS_EXPIRED":
      return "revocation_list_ended";
    default:
      return "certificate_refused";
  }
}

function tlsOptions({ caFile }: TlsFiles, handshakeTimeout: number): TlsOptions {
  const asks = caFile !== undefined;
  return { minVersion: "TLSv1.2", requestCert: asks, rejectUnauthorized: asks, handshakeTimeout };
}

function usable<Content>(open: () => Content): Content {
  try {
    return open();
  } catch (cause) {
    const detail = `METERBOOK_MQTT_TLS_*: ${messageOf(cause)}`;
    throw new AdapterError("endpoint_failed", { retryable: false, cause, detail });
  }
}

function addressOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `${family === "IPv6" ? `[${address}]` : address}:${port}`;
}
