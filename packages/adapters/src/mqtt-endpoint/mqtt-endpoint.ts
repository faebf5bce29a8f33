import type { Duplex } from "node:stream";
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "@meterbook/core/ports/clock";
import type { MeterEndpoint, TakeMessage } from "@meterbook/core/ports/meter-endpoint";
import type { PeerJudge } from "../certificates/peer-judge.ts";
import type { TlsFiles } from "../certificates/tls-files.ts";
import { holdBack } from "../mqtt-messages/hold-back.ts";
import { requestsOn } from "../mqtt-messages/request-topics.ts";
import { type FairTurns, fairTurns } from "./bounds/fair-turns.ts";
import type { InboundBudget } from "./bounds/inbound-budget.ts";
import { inboundBudget } from "./bounds/inbound-budget.ts";
import { lateSweep } from "./bounds/late-sweep.ts";
import { partialBudget } from "./bounds/partial-budget.ts";
import { ackFlusher } from "./connection/ack-flusher.ts";
import type { ConnectionContext, Identify, MqttConnection } from "./connection/connection-context.ts";
import type { ConnectionRoster } from "./connection/connection-roster.ts";
import { connectionRoster } from "./connection/connection-roster.ts";
import { openConnection } from "./connection/meter-connection.ts";
import { type RequestListeners, requestListeners } from "./connection/request-listeners.ts";
import { openSessionBroker } from "./connection/session-broker.ts";
import type { EndpointEvents } from "./endpoint-events.ts";
import { dismissalOf, openListener } from "./endpoint-listener.ts";
import { type Identifying, identifying } from "./identify.ts";

export interface MqttEndpointOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Of a whole packet; a longer message is cut off, reported and acknowledged. */
  readonly packetBytesMax?: number;
  /** Of one connection, taken and not acknowledged; then it is not read from until half of them are. */
  readonly inFlightMessagesMax: number;
  /** Likewise of their payloads. */
  readonly inFlightBytesEachMax?: number;
  /**
   * Payloads of all connections, taken and not settled. From half of it on, only connections with little in flight are
   * read from.
   */
  readonly inFlightBytesMax: number;
  /** Messages of all connections likewise. */
  readonly inFlightMessagesAllMax?: number;
  /** Packets of all connections that have begun and not ended; those that began first are cut off then. */
  readonly partialBytesMax?: number;
  /** From a packet's first byte to its last, and two seconds for each kilobyte. */
  readonly packetMs?: number;
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
  /**
   * With them the endpoint speaks TLS only; with an authority among them clients must show its certificates and are who
   * these say.
   */
  readonly tls?: TlsFiles | undefined;
  /**
   * Names, hashes of secrets, and the meters that each speaks for. Without an authority clients must give name and
   * secret.
   */
  readonly identitiesFile?: string | undefined;
  /** How often these files are looked at for changes. */
  readonly filesLookEveryMs?: number | undefined;
  /** Told of a meter when somebody begins to listen for what it is asked. */
  readonly listening?: ((meterId: string) => void) | undefined;
  readonly events: EndpointEvents;
  readonly clock: Clock;
  /** How often timeouts are looked at, which is how late they may be. 20 000 connections take about 20 ms. */
  readonly sweepEveryMs?: number;
  /** Whose turn it is to be read from, where somebody else wants to know; by itself where absent. */
  readonly turns?: FairTurns | undefined;
  /** In [0, 1): spreads the end of hold-backs. */
  readonly random?: () => number;
}

const recheckedATurnMax = 200;

/**
 * An MQTT 3.1.1 endpoint for meters. It is no broker: nothing that a meter publishes is routed, retained or stored
 * here. Each message is handed to `take`.
 *
 * - QoS 1: PUBACK after `take` has resolved, in order. QoS 2: PUBREC in the same way, and PUBREL is answered at once; a
 *   message that is sent again before PUBREL is taken once. QoS 0: taken, nothing is answered.
 * - If `take` rejects, that message and those behind it are not acknowledged. The connection is held back, then closed.
 *   A 3.1.1 client sends again on its next connection.
 * - A message longer than `packetBytesMax` is reported with its beginning, then acknowledged, then the connection is
 *   closed.
 * - A client may subscribe to `meters/{id}/requests` (JSON) and `meters/{id}/requests/protobuf`; everything else gets
 *   0x80. Sessions end with their connection, wills and the retain flag are ignored. A client of MQTT 5 is refused
 *   (CONNACK 1).
 * - If identities are asked for, a client without one is refused (CONNACK 4 or 5), and each message says who sent it. A
 *   client may then subscribe only to the requests of its own meters.
 * - Client ids are free (a concentrator has no meter id), up to 256 characters. If the same identity uses one again,
 *   the older connection is closed. Its messages are still taken but no longer acknowledged.
 * - A CONNECT that MQTT 3.1.1 does not allow closes the connection, or is answered with CONNACK 1 or 2. It is 16 KiB at
 *   most.
 * - Memory per connection is bounded by one packet, one chunk (64 KiB) and `inFlightMessagesMax` messages. An
 *   unfinished packet takes twice the bytes that have come of it, all of them together `partialBytesMax`. It has a
 *   deadline.
 *
 * Throws AdapterError `endpoint_failed` when it cannot listen.
 */
export async function openMqttEndpoint(options: MqttEndpointOptions, take: TakeMessage): Promise<MeterEndpoint> {
  const { writeTimeoutMs = 30_000 } = options;
  const roster = connectionRoster();
  const sessions = await openSessionBroker({ ownerOf: roster.ownerOf, drainTimeoutMs: writeTimeoutMs });
  const drained = Promise.withResolvers<void>();
  let closing: Promise<void> | undefined;

  function whenDrained(): void {
    if (closing !== undefined && roster.size() === 0 && context.budget.messages() === 0) drained.resolve();
  }
  const known = knowing(
    options,
    () =>
      void recheck(roster, (_socket, sender) =>
        sender === undefined || known?.holds(sender) ? undefined : "identity_changed",
      ),
  );
  const handOver = sessions.handle;
  const listeners = requestListeners((meterId) => options.listening?.(meterId));
  const context = contextOf({
    ...options,
    writeTimeoutMs,
    take,
    roster,
    whenDrained,
    handOver,
    listeners,
    identify: known?.identify,
  });
  const renewed = (judge: PeerJudge) => void recheck(roster, (socket) => dismissalOf(judge, socket));
  const listener = await openListener({ ...options, renewed }, (socket) =>
    roster.add(openConnection(socket, context)),
  ).catch(async (error: unknown) => {
    known?.close();
    await sessions.close();
    throw error;
  });
  const { sweepEveryMs = 1_000 } = options;
  const isLate = lateSweep(sweepEveryMs, context.nowMs());
  const sweeper = setInterval(() => {
    const nowMs = context.nowMs();
    if (!isLate(nowMs)) roster.each((connection) => connection.sweep(nowMs));
  }, sweepEveryMs);

  async function close(): Promise<void> {
    listener.close();
    known?.close();
    roster.each((connection) => connection.leave("endpoint_closed"));
    whenDrained();
    const gaveUp = new AbortController();
    await Promise.race([
      drained.promise,
      delay(options.closeTimeoutMs ?? 10_000, undefined, { signal: gaveUp.signal }),
    ]);
    gaveUp.abort();
    clearInterval(sweeper);
    roster.each((connection) => connection.destroy());
    await sessions.close();
  }
  return {
    address: listener.address,
    keepsRequests: false,
    async ask(request) {
      const wanted = requestsOn(request).filter(([topic]) => listeners.has(topic));
      for (const [topic, payload] of wanted) sessions.publish(topic, payload);
      return wanted.length === 0 ? "nobody" : "sent";
    },
    withdraw: async () => "done",
    close() {
      closing ??= Promise.resolve().then(close);
      return closing;
    },
  };
}

/** Who clients are is asked where certificates or names tell it. */
function knowing(
  { tls, identitiesFile, filesLookEveryMs: lookEveryMs, events }: MqttEndpointOptions,
  renewed: () => void,
): Identifying | undefined {
  const by = tls?.caFile === undefined ? "password" : "certificate";
  if (by === "password" && identitiesFile === undefined) return undefined;
  return identifying({ by, identitiesFile, lookEveryMs, renewed, events });
}

/**
 * Reading a certificate again takes some microseconds. Of many connections a part is checked at a time, so that
 * messages have their turn.
 */
async function recheck(roster: ConnectionRoster, judge: Parameters<MqttConnection["recheck"]>[0]): Promise<void> {
  const connections: MqttConnection[] = [];
  roster.each((connection) => void connections.push(connection));
  for (const [index, connection] of connections.entries()) {
    if (index % recheckedATurnMax === 0) await nextTurn();
    connection.recheck(judge);
  }
}

function contextOf(
  parts: MqttEndpointOptions & {
    readonly writeTimeoutMs: number;
    readonly take: TakeMessage;
    readonly roster: ConnectionRoster;
    readonly handOver: (session: Duplex) => void;
    readonly listeners: RequestListeners;
    readonly identify: Identify | undefined;
    /** Called when there may be nothing left to wait for. */
    readonly whenDrained: () => void;
  },
): ConnectionContext {
  const { events, roster } = parts;
  const nowMs = () => performance.now();
  const backOff = holdBack(parts);
  const { packetBytesMax = 262_144, partialBytesMax = Math.max(64 * 1024 * 1024, 16 * packetBytesMax) } = parts;
  return {
    packetBytesMax,
    partials: partialBudget<MqttConnection>(partialBytesMax, (connection) => connection.cutOff()),
    packetMs: parts.packetMs ?? 30_000,
    inFlightMessagesMax: parts.inFlightMessagesMax,
    inFlightBytesEachMax: parts.inFlightBytesEachMax ?? 1024 * 1024,
    turns: parts.turns ?? fairTurns(nowMs),
    connectTimeoutMs: parts.connectTimeoutMs,
    writeTimeoutMs: parts.writeTimeoutMs,
    clock: parts.clock,
    events,
    budget: limitedBudget(parts, events, roster),
    listeners: parts.listeners,
    take: parts.take,
    identify: parts.identify,
    nowMs,
    handOver(session, connection) {
      roster.owns(session, connection);
      parts.handOver(session);
    },
    flushSoon: ackFlusher<MqttConnection>(nowMs).flushSoon,
    identified: roster.identified,
    settled(outcome) {
      backOff.settled(outcome, nowMs);
      parts.whenDrained();
    },
    holdBackMs: () => backOff.holdBackMs(nowMs()),
    slowDownMs: backOff.slowDownMs,
    gone(connection) {
      roster.remove(connection);
      parts.whenDrained();
    },
  };
}

/** Where nothing more may come nobody is read from; where it is tight each connection looks for itself. */
function limitedBudget(
  { inFlightBytesMax, inFlightMessagesAllMax = 2_000 }: MqttEndpointOptions,
  events: EndpointEvents,
  roster: ConnectionRoster,
): InboundBudget {
  return inboundBudget({
    bytesMax: inFlightBytesMax,
    messagesMax: inFlightMessagesAllMax,
    none() {
      events.readingPaused({ reason: "bytes_max" });
      roster.each((connection) => connection.roomChanged());
    },
  });
}
