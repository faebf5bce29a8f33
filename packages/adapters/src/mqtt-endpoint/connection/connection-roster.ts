import type { Duplex } from "node:stream";
import type { MqttConnection } from "./connection-context.ts";

/** The connections there are, and who is who. */
export interface ConnectionRoster {
  add(connection: MqttConnection): void;
  remove(connection: MqttConnection): void;
  size(): number;
  each(visit: (connection: MqttConnection) => void): void;
  /** Visits until told to stop; next time it is the turn of those that were not visited. */
  eachInTurn(visit: (connection: MqttConnection) => "go on" | "stop"): void;
  /** The connection behind a stream of the session broker. */
  ownerOf(stream: Duplex): MqttConnection | undefined;
  owns(stream: Duplex, connection: MqttConnection): void;
  /** Tells the one that had the client id that it is taken over. */
  identified(clientId: string, connection: MqttConnection): void;
}

export function connectionRoster(): ConnectionRoster {
  /** With the client id, once it is known. */
  const connections = new Map<MqttConnection, string | undefined>();
  const byClientId = new Map<string, MqttConnection>();
  const owners = new WeakMap<Duplex, MqttConnection>();
  return {
    add: (connection) => void connections.set(connection, undefined),
    remove(connection) {
      const clientId = connections.get(connection);
      connections.delete(connection);
      if (clientId !== undefined && byClientId.get(clientId) === connection) byClientId.delete(clientId);
    },
    size: () => connections.size,
    each(visit) {
      for (const connection of connections.keys()) visit(connection);
    },
    eachInTurn(visit) {
      const waiting = [...connections];
      for (const [connection, clientId] of waiting) {
        if (connections.delete(connection)) connections.set(connection, clientId);
        if (visit(connection) === "stop") break;
      }
    },
    ownerOf: (stream) => owners.get(stream),
    owns: (stream, connection) => void owners.set(stream, connection),
    identified(clientId, connection) {
      byClientId.get(clientId)?.takenOver();
      byClientId.set(clientId, connection);
      connections.set(connection, clientId);
    },
  };
}
