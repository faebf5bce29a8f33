import type { IClientOptions, IConnackPacket, IPublishPacket, ISubscriptionMap, MqttClient } from "mqtt";
import mqtt from "mqtt";
import type { LinkEnd } from "./broker-events.ts";
import type { BrokerIntake } from "./broker-intake.ts";

export interface BrokerLinkOptions {
  readonly url: string;
  readonly clientId: string;
  readonly protocol: "5" | "3.1.1";
  readonly keepaliveSeconds: number;
  readonly sessionExpirySeconds: number;
  readonly connectTimeoutMs: number;
  readonly inFlightMessagesMax: number;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly tls?: Pick<IClientOptions, "ca" | "cert" | "key">;
  readonly filters: readonly string[];
  /** The broker's own topics, whose messages are no meter's. */
  readonly brokerTopics: readonly string[];
}

export interface BrokerLinkOwner {
  /** CONNACK has come, subscriptions have not been asked for. */
  connected(connack: IConnackPacket): void;
  /** Messages will be delivered from now on. `refused` are topic filters that the broker does not grant with QoS 1. */
  subscribed(refused: readonly string[]): void;
  /** A message of the broker's own. */
  told(topic: string, text: string): void;
  intake(write: (acks: Buffer) => void): BrokerIntake;
  /** Called once, last. */
  ended(end: { readonly reason: LinkEnd; readonly detail: string; readonly error: Error | undefined }): void;
}

/** One connection to the broker, never used again after its end: so no PUBACK can reach another connection. */
export interface BrokerLink {
  /** Hangs up without a word, so that the broker sends what is not acknowledged to the next connection. */
  drop(reason: LinkEnd): void;
  /** Has the broker keep a message for the topic, QoS 1 and retained. Answers whether it has it. */
  keep(topic: string, payload: Uint8Array): Promise<boolean>;
  /** Says DISCONNECT; the session stays. */
  leave(): Promise<void>;
}

const takenOverCode = 0x8e;
/** What no broker should send us; under MQTT 3.1.1 there is no way to say so. */
const packetBytesMax = 16 * 1024 * 1024;

export function openBrokerLink(options: BrokerLinkOptions, owner: BrokerLinkOwner): BrokerLink {
  const client = mqtt.connect(options.url, clientOptions(options));
  const intake = owner.intake((acks) => {
    if (!client.stream.destroyed) client.stream.write(acks);
  });
  const ownTopics = new Set(options.brokerTopics);
  const end: { reason: LinkEnd | undefined; error: Error | undefined } = { reason: undefined, error: undefined };
  let opened = false;

  client.handleMessage = (packet: IPublishPacket, next) => {
    if (!ownTopics.has(packet.topic)) return intake.message(packet, next);
    owner.told(packet.topic, packet.payload.toString());
    next();
  };
  const pinger = setInterval(
    () => {
      // The client does not see PINGRESP while it is held: without this it takes the broker for dead, and the other way
      // round.
      if (!intake.held() || !client.connected) return;
      client.reschedulePing(true);
      client.sendPing();
    },
    Math.max(1, options.keepaliveSeconds * 500),
  );
  client.on("connect", (connack) => {
    opened = true;
    owner.connected(connack);
    subscribe(client, options, owner.subscribed);
  });
  client.on("disconnect", ({ reasonCode }) => {
    if (reasonCode === takenOverCode) end.reason ??= "taken_over";
  });
  client.on("error", (error) => {
    end.error ??= error;
  });
  const keeping = new Set<(isKept: boolean) => void>();
  client.once("close", () => {
    clearInterval(pinger);
    // Their answers do not come any more.
    for (const answer of keeping) answer(false);
    // What came just before the end, such as a DISCONNECT that says why, is handed over after it.
    setImmediate(() => {
      const reason = end.reason ?? (opened ? "hung_up" : reasonOf(end.error));
      owner.ended({ reason, detail: end.error?.message ?? "", error: end.error });
    });
  });
  client.connect();

  return {
    drop(reason) {
      end.reason ??= reason;
      client.end(true);
    },
    async keep(topic, payload) {
      if (!client.connected) return false;
      const kept = Promise.withResolvers<boolean>();
      keeping.add(kept.resolve);
      client.publish(topic, Buffer.from(payload), { qos: 1, retain: true }, (error) => kept.resolve(!error));
      const isKept = await kept.promise;
      keeping.delete(kept.resolve);
      return isKept;
    },
    async leave() {
      end.reason ??= "closed_by_us";
      await client.endAsync(false);
    },
  };
}

function clientOptions(options: BrokerLinkOptions): IClientOptions {
  const { username, password } = options;
  const settings: IClientOptions = {
    clientId: options.clientId,
    clean: false,
    keepalive: options.keepaliveSeconds,
    connectTimeout: options.connectTimeoutMs,
    manualConnect: true,
    reconnectPeriod: 0,
    resubscribe: false,
    protocolVersion: options.protocol === "5" ? 5 : 4,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...options.tls,
  };
  if (options.protocol !== "5") return settings;
  const { sessionExpirySeconds: sessionExpiryInterval, inFlightMessagesMax } = options;
  const receiveMaximum = Math.min(inFlightMessagesMax, 65_535);
  return { ...settings, properties: { sessionExpiryInterval, receiveMaximum, maximumPacketSize: packetBytesMax } };
}

/**
 * Asked for on every connection, because the setting may have changed. `rh: 1`: retained messages only where it is new.
 */
function subscribe(client: MqttClient, options: BrokerLinkOptions, done: (refused: readonly string[]) => void): void {
  const { filters } = options;
  const wanted: ISubscriptionMap = {};
  for (const filter of filters) wanted[filter] = options.protocol === "5" ? { qos: 1, rh: 1 } : { qos: 1 };
  client.subscribe(wanted, (_error, asked = [], suback) => {
    // Without an answer the connection has ended, which is told elsewhere.
    if (suback === undefined) return;
    done(asked.map(({ topic }) => topic).filter((_topic, index) => suback.granted[index] !== 1));
  });
  const own: ISubscriptionMap = {};
  for (const topic of options.brokerTopics) own[topic] = { qos: 0 };
  client.subscribe(own, () => undefined);
}

function reasonOf(error: (Error & { code?: unknown }) | undefined): LinkEnd {
  return typeof error?.code === "number" ? "refused" : "unreachable";
}
