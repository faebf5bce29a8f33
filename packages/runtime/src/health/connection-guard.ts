import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";

export interface ConnectionLimits {
  readonly connectionsMax: number;
  /** How long the body of a request may take to come. */
  bodyMsOf(request: IncomingMessage): number;
  readonly sweepMs: number;
  /** Ends a connection whose body is late. */
  endLate(socket: Socket): void;
  /** A connection was ended before its time: there were too many, or its body was late. */
  ended(reason: "crowded" | "body_late"): void;
}

interface Connection {
  readonly socket: Socket;
  /** Undefined where no request's headers are complete: idle, or half a request. */
  request: IncomingMessage | undefined;
  sinceMs: number;
}

/**
 * Bounds the connections of a server. Where there are too many the oldest that waits for a request, or for the rest of
 * one, makes place, so half requests never keep a health check out; only where all are being answered the new one goes.
 */
export function guardConnections(server: Server, limits: ConnectionLimits): void {
  const connections = new Map<Socket, Connection>();

  server.on("connection", (socket) => {
    connections.set(socket, { socket, request: undefined, sinceMs: performance.now() });
    socket.once("close", () => connections.delete(socket));
    if (connections.size <= limits.connectionsMax) return;
    limits.ended("crowded");
    leastOf(connections, socket).destroy();
  });
  server.prependListener("request", (request, response) => {
    const connection = connections.get(request.socket);
    if (connection === undefined) return;
    Object.assign(connection, { request, sinceMs: performance.now() });
    response.once("close", () => {
      connection.request = undefined;
      // The map is in order of idleness: who was served last is dropped last.
      if (connections.delete(connection.socket)) connections.set(connection.socket, connection);
    });
  });
  const sweep = setInterval(() => {
    const nowMs = performance.now();
    for (const { socket, request, sinceMs } of connections.values()) {
      if (request === undefined || request.complete || nowMs - sinceMs < limits.bodyMsOf(request)) continue;
      limits.ended("body_late");
      limits.endLate(socket);
    }
  }, limits.sweepMs).unref();
  server.once("close", () => clearInterval(sweep));
}

function leastOf(connections: ReadonlyMap<Socket, Connection>, newest: Socket): Socket {
  let unfinished: Socket | undefined;
  for (const { socket, request } of connections.values()) {
    if (socket === newest || socket.destroyed) continue;
    if (request === undefined) return socket;
    if (!request.complete) unfinished ??= socket;
  }
  return unfinished ?? newest;
}
