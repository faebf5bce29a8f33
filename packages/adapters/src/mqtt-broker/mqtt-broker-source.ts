import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Clock } from "@meterbook/core/ports/clock";
import type { MeterEndpoint, TakeMessage } from "@meterbook/core/ports/meter-endpoint";
import { holdBack } from "../mqtt-messages/hold-back.ts";
import { requestsOn, requestTopics } from "../mqtt-messages/request-topics.ts";
import { endableWait } from "../waiting/endable-wait.ts";
import { within } from "../waiting/within.ts";
import type { LinkEndFacts } from "./broker-end.ts";
import { addressOf, isPermanent, startFailure } from "./broker-end.ts";
import type { BrokerEvents, LinkEnd } from "./broker-events.ts";
import type { BrokerIntake } from "./broker-intake.ts";
import { brokerIntake } from "./broker-intake.ts";
import type { BrokerLink, BrokerLinkOptions, BrokerLinkOwner } from "./broker-link.ts";
import { openBrokerLink } from "./broker-link.ts";
import { brokerTopics, droppedSince, remarksOnConnack, remarksOnVersion } from "./broker-remarks.ts";

export interface MqttBrokerOptions {
  /** `mqtt://host:port`, `mqtts://`, `ws://` or `wss://`. */
  readonly url: string;
  /** The same at every start; no two processes share one. */
  readonly clientId: string;
  /** Topic filters, each of which may begin with `$share/<group>/`. */
  readonly filters: readonly string[];
  readonly protocol?: "5" | "3.1.1";
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Asked at every attempt to connect, so that renewed files take effect. May throw. */
  readonly tls?: () => NonNullable<BrokerLinkOptions["tls"]>;
  /** Of a payload; a longer message is cut off, reported and acknowledged. */
  readonly payloadBytesMax: number;
  /** Taken and not acknowledged; then nothing is read until half of them are. */
  readonly inFlightMessagesMax: number;
  readonly inFlightBytesMax: number;
  readonly keepaliveSeconds?: number;
  /** How long the broker keeps the session while we are away (MQTT 5; under 3.1.1 the broker's own setting counts). */
  readonly sessionExpirySeconds?: number;
  readonly connectTimeoutMs?: number;
  /** How long `openMqttBrokerSource` tries. */
  readonly startTimeoutMs?: number;
  /** How long `close` waits for what is in flight. */
  readonly closeTimeoutMs?: number;
  /** Pauses before another attempt, growing while there is trouble. */
  readonly holdBackMsMin?: number;
  readonly holdBackMsMax?: number;
  readonly events: BrokerEvents;
  readonly clock: Clock;
}

interface Source {
  readonly options: MqttBrokerOptions;
  readonly take: TakeMessage;
  readonly started: PromiseWithResolvers<void>;
  state: "starting" | "running" | "closing";
  link: BrokerLink | undefined;
  intake: BrokerIntake | undefined;
  dropped: number | undefined;
  version: string | undefined;
  /** Connections in a row that ended soon and without a reason. */
  shortLives: number;
}

const settledMs = 30_000;
const shortLifeMs = 5_000;

/**
 * Takes the messages of meters from an MQTT broker with a session that outlives connections and processes.
 *
 * - QoS 1: PUBACK to the broker after `take` has resolved, in order. QoS 0: taken, nothing is answered. Subscriptions
 *   are for QoS 1, so QoS 2 of a meter arrives as QoS 1.
 * - `take` rejects: no PUBACK for that message and those behind it. A broker sends again on a new connection only, so
 *   the connection is dropped after a pause that grows with the trouble, and opened again. A lost connection is opened
 *   again for ever. Before each, all that was taken has settled: memory holds one window, and a meter's messages stay
 *   in order.
 * - The sender's client id is not known through a broker; `clientId` of a message is that of this session.
 * - Retained messages are taken when the session is new; repeats because of later subscriptions are acknowledged and
 *   left out.
 * - What a meter is asked is kept by the broker as a retained message, so a meter that subscribes later gets it.
 * - Memory is bounded by `inFlightMessagesMax`, `inFlightBytesMax`, and one packet of at most 16 MiB (MQTT 5).
 *
 * Resolves once the broker delivers. Throws AdapterError `endpoint_failed` when it refuses us, when it grants no QoS 1,
 * and when it could not be reached within `startTimeoutMs`.
 */
export async function openMqttBrokerSource(options: MqttBrokerOptions, take: TakeMessage): Promise<MeterEndpoint> {
  const source: Source = {
    options,
    take,
    started: Promise.withResolvers(),
    state: "starting",
    link: undefined,
    intake: undefined,
    dropped: undefined,
    version: undefined,
    shortLives: 0,
  };
  const stopped = new AbortController();
  let lastDetail = "";
  const working = keepConnected(source, stopped.signal, (ended) => {
    lastDetail = ended.detail;
    if (source.state === "starting" && isPermanent(ended)) source.started.reject(startFailure(options, ended.detail));
  });
  const timer = setTimeout(
    () =>
      source.started.reject(startFailure(options, `no answer in time${lastDetail === "" ? "" : `, ${lastDetail}`}`)),
    options.startTimeoutMs ?? 30_000,
  );
  let closing: Promise<void> | undefined;
  async function close(): Promise<void> {
    source.state = "closing";
    stopped.abort();
    source.intake?.stop();
    await within(options.closeTimeoutMs ?? 10_000, source.intake?.answered() ?? Promise.resolve());
    await within(2_000, source.link?.leave() ?? Promise.resolve());
    source.link?.drop("closed_by_us");
    await within(options.closeTimeoutMs ?? 10_000, working);
  }
  const endpoint: MeterEndpoint = {
    address: addressOf(options.url),
    keepsRequests: true,
    ask: async (request) => ((await keepAll(source, requestsOn(request))) ? "sent" : "away"),
    async withdraw(meterId) {
      const nothing = requestTopics(meterId).map((topic) => [topic, Buffer.alloc(0)] as const);
      return (await keepAll(source, nothing)) ? "done" : "away";
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
  try {
    await source.started.promise;
  } catch (error) {
    await endpoint.close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return endpoint;
}

/** A retained message without a payload takes the one before it away. */
async function keepAll({ link }: Source, messages: readonly (readonly [string, Uint8Array])[]): Promise<boolean> {
  const kept = await Promise.all(messages.map(([topic, payload]) => link?.keep(topic, payload) ?? false));
  return kept.every(Boolean);
}

async function keepConnected(
  source: Source,
  stopped: AbortSignal,
  failed: (ended: LinkEndFacts) => void,
): Promise<void> {
  const { options } = source;
  const patience = holdBack(options);
  const pause = endableWait();
  while (!stopped.aborted) {
    const ended = await oneConnection(source, patience);
    await source.intake?.idle();
    const fresh = ended.livedMs > settledMs && ended.reason !== "message_not_kept";
    patience.settled(fresh ? "kept" : "failed", () => performance.now());
    if (stopped.aborted) return options.events.brokerLost({ ...factsOf(ended), retryMs: 0 });
    failed(ended);
    noticeSharedId(source, ended);
    const retryMs = Math.round(patience.holdBackMs(performance.now()));
    options.events.brokerLost({ ...factsOf(ended), retryMs });
    await pause.wait(retryMs, stopped).catch(() => undefined);
  }
}

function factsOf({ reason, detail }: LinkEndFacts): { reason: LinkEnd; detail: string } {
  return { reason, detail };
}

function oneConnection(source: Source, patience: ReturnType<typeof holdBack>): Promise<LinkEndFacts> {
  const { promise, resolve } = Promise.withResolvers<LinkEndFacts>();
  const openedAtMs = performance.now();
  const owner = ownerOf(source, patience, (end) => resolve({ ...end, livedMs: performance.now() - openedAtMs }));
  try {
    source.link = openBrokerLink(linkOptions(source.options), owner);
  } catch (error) {
    const cause = error instanceof Error ? error : new Error(String(error));
    resolve({ reason: "unreachable", detail: cause.message, error: cause, livedMs: 0 });
  }
  return promise;
}

function linkOptions(options: MqttBrokerOptions): BrokerLinkOptions {
  const { url, clientId, username, password, filters, inFlightMessagesMax } = options;
  return {
    url,
    clientId,
    username,
    password,
    filters,
    inFlightMessagesMax,
    protocol: options.protocol ?? "5",
    keepaliveSeconds: options.keepaliveSeconds ?? 30,
    sessionExpirySeconds: options.sessionExpirySeconds ?? weekSeconds,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    brokerTopics: Object.values(brokerTopics),
    ...(options.tls === undefined ? {} : { tls: options.tls() }),
  };
}

const weekSeconds = 7 * 24 * 3600;

function ownerOf(source: Source, patience: ReturnType<typeof holdBack>, ended: BrokerLinkOwner["ended"]) {
  const { options, take, started } = source;
  const { events, clientId, clock } = options;
  let resumed = false;
  let failing = false;
  const owner: BrokerLinkOwner = {
    connected(connack) {
      resumed = connack.sessionPresent;
      events.brokerConnected({ sessionPresent: resumed });
      const wanted = { sessionExpirySeconds: options.sessionExpirySeconds ?? weekSeconds };
      for (const remark of remarksOnConnack(connack, wanted)) events.brokerRemarked(remark);
      // Its subscriptions are in the session. Asked for again they are answered behind the backlog, which may be long.
      if (resumed) startedNow(source);
    },
    subscribed(refused) {
      if (refused.length === 0) return startedNow(source);
      const detail = `the broker does not grant QoS 1 for ${refused.join(", ")}: see its access rules and METERBOOK_MQTT_TOPICS`;
      events.brokerRemarked({ code: "qos_lowered", detail });
      started.reject(startFailure(options, detail));
    },
    told: (topic, text) => listen(source, topic, text),
    intake(write) {
      source.intake = brokerIntake({
        messagesMax: options.inFlightMessagesMax,
        bytesMax: options.inFlightBytesMax,
        payloadBytesMax: options.payloadBytesMax,
        repeatsRetained: () => resumed,
        clientId,
        clock,
        events,
        take,
        write(acks) {
          patience.settled("kept", () => performance.now());
          write(acks);
        },
        failed(error) {
          const code = error instanceof AdapterError ? error.code : "bug";
          events.messageFailed({ clientId, code, error });
          if (failing) return;
          failing = true;
          patience.settled("failed", () => performance.now());
          const { link } = source;
          const patienceMs = source.state === "closing" ? 0 : patience.holdBackMs(performance.now());
          setTimeout(() => link?.drop("message_not_kept"), patienceMs).unref();
        },
      });
      return source.intake;
    },
    ended(end) {
      source.intake?.stop();
      ended(end);
    },
  };
  return owner;
}

function startedNow(source: Source): void {
  if (source.state === "starting") source.state = "running";
  source.started.resolve();
}

function listen(source: Source, topic: string, text: string): void {
  const { events, filters } = source.options;
  if (topic === brokerTopics.dropped) {
    const { total, remark } = droppedSince(source.dropped, text);
    source.dropped = total;
    if (remark !== undefined) events.brokerRemarked(remark);
  } else if (text !== source.version) {
    source.version = text;
    for (const remark of remarksOnVersion(text, filters)) events.brokerRemarked(remark);
  }
}

/** MQTT 5 says that somebody else came with our client id; under 3.1.1 connections end soon, again and again. */
function noticeSharedId(source: Source, { reason, livedMs, error }: LinkEndFacts): void {
  const soon = reason === "hung_up" && error === undefined && livedMs < shortLifeMs;
  source.shortLives = soon ? source.shortLives + 1 : 0;
  if (reason !== "taken_over" && source.shortLives < 3) return;
  source.shortLives = 0;
  const { clientId, events } = source.options;
  const detail = `another process ${reason === "taken_over" ? "uses" : "seems to use"} the client id ${clientId}, and the two throw each other out: give each its own METERBOOK_MQTT_CLIENT_ID`;
  events.brokerRemarked({ code: "client_id_shared", detail });
}
