import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { createServer } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Clock } from "@meterbook/core/ports/clock";
import type { MeterEndpoint, TakeMessage } from "@meterbook/core/ports/meter-endpoint";
import type { ConnectionContext } from "./connection-context.ts";
import type { EndpointEvents } from "./endpoint-events.ts";
import { holdBack } from "./hold-back.ts";
import { inboundBudget } from "./inbound-budget.ts";
import type { MqttConnection } from "./mqtt-connection.ts";
import { openConnection } from "./mqtt-connection.ts";
import { openSessionBroker } from "./session-broker.ts";

export interface MqttEndpointOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Of a whole packet; a longer message is cut off, reported and acknowledged. */
  readonly packetBytesMax?: number;
  /** Of one connection, taken and not acknowledged; then it is not read from until half of them are. */
  readonly inFlightMessagesMax: number;
  /** Payloads of all connections, taken and not settled; then none is read from until half of them are. */
  readonly inFlightBytesMax: number;
  /** More are refused when they are accepted. */
  readonly connectionsMax: number;
  /** From accept to CONNACK. */
  readonly connectTimeoutMs: number;
  /** How long a client may leave its answers unread. */
  readonly writeTimeoutMs?: number;
  /** How long `close` waits for what is in flight. */
  readonly closeTimeoutMs?: number;
  /** A connection whose message was not kept is held back as long as the trouble has lasted, within these bounds. */
  readonly holdBackMsMin?: number;
  readonly holdBackMsMax?: number;
  readonly events: EndpointEvents;
  readonly clock: Clock;
  /** In [0, 1): spreads the end of hold-backs. */
  readonly random?: () => number;
}

const sweepEveryMs = 250;

/**
 * An MQTT 3.1.1 endpoint for meters. It is no broker: nothing that a meter publishes is routed, retained or stored
 * here, it is handed to `take`.
 *
 * - QoS 1: PUBACK after `take` has resolved, in order. QoS 2: PUBREC likewise, and PUBREL is answered at once; what
 *   was sent again before PUBREL is taken once. QoS 0: taken, nothing is answered.
 * - `take` rejects: no acknowledgement for that message and those behind it; the connection is held back, then closed.
 *   A 3.1.1 client sends again on its next connection.
 * - A message longer than `packetBytesMax` is reported with its beginning, then acknowledged, then the connection is closed.
 * - A client may subscribe to `meters/{id}/requests`, everything else gets 0x80. Sessions end with their connection,
 *   wills and the retain flag are ignored, user names are not looked at. A client of MQTT 5 is refused (CONNACK 1).
 * - Client ids are free (a concentrator has no meter id), up to 256 characters; the same again closes the older
 *   connection, whose messages are still taken but no longer acknowledged.
 * - Memory per connection is bounded by one packet, one chunk (64 KiB) and `inFlightMessagesMax` messages.
 *
 * Throws AdapterError `endpoint_failed` when it cannot listen.
 */
export async function openMqttEndpoint(options: MqttEndpointOptions, take: TakeMessage): Promise<MeterEndpoint> {
  const { events, connectTimeoutMs, writeTimeoutMs = 30_000, packetBytesMax = 262_144 } = options;
  const connections = new Set<MqttConnection>();
  const owners = new WeakMap<Duplex, MqttConnection>();
  const byClientId = new Map<string, MqttConnection>();
  const flusher = ackFlusher();
  const backOff = holdBack(options);
  const sessions = await openSessionBroker({ ownerOf: (stream) => owners.get(stream), drainTimeoutMs: writeTimeoutMs });
  let sweptAtMs = performance.now();

  const context: ConnectionContext = {
    packetBytesMax,
    inFlightMessagesMax: options.inFlightMessagesMax,
    connectTimeoutMs,
    writeTimeoutMs,
    clock: options.clock,
    events,
    budget: inboundBudget(options.inFlightBytesMax, (exhausted) => {
      if (exhausted) events.readingPaused({ reason: "bytes_max" });
      for (const connection of connections) connection.budgetChanged(exhausted);
    }),
    take,
    sweptAtMs: () => sweptAtMs,
    handOver(stream, connection) {
      owners.set(stream, connection);
      sessions.handle(stream);
    },
    flushSoon: flusher.flushSoon,
    identified(clientId, connection) {
      byClientId.get(clientId)?.takenOver();
      byClientId.set(clientId, connection);
    },
    settled: (outcome) => backOff.settled(outcome, sweptAtMs),
    holdBackMs: () => backOff.holdBackMs(sweptAtMs),
    gone(connection, clientId) {
      connections.delete(connection);
      if (clientId !== undefined && byClientId.get(clientId) === connection) byClientId.delete(clientId);
    },
  };

  const server = createServer({
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 300_000,
    highWaterMark: 16_384,
  });
  server.maxConnections = options.connectionsMax;
  server.on("connection", (socket) => void connections.add(openConnection(socket, context)));
  server.on("drop", () => events.connectionRefused({ reason: "connections_max" }));
  const sweeper = setInterval(() => {
    sweptAtMs = performance.now();
    for (const connection of connections) connection.sweep(sweptAtMs);
  }, sweepEveryMs);

  async function closeNow(): Promise<void> {
    const deadlineMs = performance.now() + (options.closeTimeoutMs ?? 10_000);
    server.close();
    for (const connection of connections) connection.leave("endpoint_closed");
    while (connections.size > 0 || context.budget.messages() > 0) {
      if (performance.now() > deadlineMs) break;
      await delay(10);
    }
    for (const connection of connections) connection.destroy();
    clearInterval(sweeper);
    await sessions.close();
  }

  try {
    await listening(server, options);
  } catch (cause) {
    clearInterval(sweeper);
    await sessions.close();
    throw new AdapterError("endpoint_failed", { retryable: false, cause });
  }
  server.on("error", () => events.connectionRefused({ reason: "accept_failed" }));
  let closing: Promise<void> | undefined;
  return { address: addressOf(server), close: () => (closing ??= closeNow()) };
}

async function listening(server: Server, { host, port }: MqttEndpointOptions): Promise<void> {
  // A fleet that comes back after an outage comes all at once.
  server.listen({ host, port, backlog: 4096 });
  await once(server, "listening");
}

function addressOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

/** Gathers the connections that have something to acknowledge, so that each writes once for all that settled together. */
function ackFlusher() {
  let due = new Set<MqttConnection>();
  function flush(): void {
    const now = due;
    due = new Set();
    const nowMs = performance.now();
    for (const connection of now) connection.flush(nowMs);
  }
  return {
    flushSoon(connection: MqttConnection): void {
      if (due.size === 0) setImmediate(flush);
      due.add(connection);
    },
  };
}
