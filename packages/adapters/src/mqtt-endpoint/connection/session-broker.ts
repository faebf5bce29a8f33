import type { Duplex } from "node:stream";
import type { AuthenticateError, Client } from "aedes";
import { Aedes } from "aedes";

export interface Connecting {
  readonly clientId: string;
  /** 0 where the client wants none. */
  readonly keepaliveMs: number;
  readonly hadWill: boolean;
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
}

export type Refusal = "bad_credentials" | "not_authorised";

/** Client ids are free, so two clients of different names may have chosen the same: `sessionId` tells them apart. */
export type Admission = { readonly sessionId: string; readonly refused?: never } | { readonly refused: Refusal };

/** What the session broker tells the connection behind one of its streams. */
export interface SessionOwner {
  /** CONNECT is acceptable in form. Answers what the client is known by here, or why it is not let in. */
  connecting(facts: Connecting): Admission;
  /** The client id is accepted; whoever had it before is about to be closed. */
  identified(clientId: string): void;
  /** CONNACK is written. */
  opened(clientId: string): void;
  refused(reason: "protocol_version" | "client_id" | Refusal): void;
  /** Whether the topic may be subscribed to. */
  subscribing(topic: string): boolean;
  /** SUBACK is written for these, which were allowed. */
  subscribed(topics: readonly string[]): void;
  unsubscribed(topics: readonly string[]): void;
}

/**
 * The part of MQTT that is left to aedes: CONNECT, SUBSCRIBE, PING, DISCONNECT, one connection per client id, and the
 * way of a request to its meter. It never sees a PUBLISH of a meter: the connection takes those, which spares
 * aedes' publish path (a retained store, an offline queue and a topic trie, for readings that nobody subscribes to).
 */
export interface SessionBroker {
  handle(stream: Duplex): void;
  /** To whoever is subscribed, with the QoS that was granted. */
  publish(topic: string, payload: Uint8Array): void;
  close(): Promise<void>;
}

/** MQTT 3.1.1 lets a server choose; longer ones are a mistake, and they end in logs and in the rejected log. */
const clientIdCharsMax = 256;
const identifierRejected = 2;
/** Return codes of a CONNACK, MQTT 3.1.1 section 3.2.2.3. */
const refusalCodes: Readonly<Record<Refusal, number>> = { bad_credentials: 4, not_authorised: 5 };

export async function openSessionBroker(options: {
  readonly ownerOf: (stream: Duplex) => SessionOwner | undefined;
  readonly drainTimeoutMs: number;
}): Promise<SessionBroker> {
  const ownerOf = (client: Client) => options.ownerOf(client.conn);
  const refusals = new WeakMap<Client, Refusal>();
  const broker = await Aedes.createBroker({
    drainTimeout: options.drainTimeoutMs,
    preConnect(client, packet, done) {
      const { clientId, keepalive = 0, will, username, password } = packet;
      const connecting = { clientId, keepaliveMs: keepalive * 1000, hadWill: will !== undefined, username, password };
      const admission = ownerOf(client)?.connecting(connecting);
      if (admission?.refused !== undefined) refusals.set(client, admission.refused);
      else if (admission !== undefined) packet.clientId = admission.sessionId;
      // No session outlives its connection, or memory would grow with every client id ever seen; CONNACK says so
      // (session present = 0). The connection watches over keepalive, because aedes does not see the publishes.
      packet.clean = true;
      packet.keepalive = 0;
      delete packet.will;
      done(null, true);
    },
    authenticate(client, _username, _password, done) {
      const refusal = refusals.get(client);
      if (refusal !== undefined) return done(connackError(refusal, refusalCodes[refusal]), false);
      if (client.id.length > clientIdCharsMax)
        return done(connackError("client id too long", identifierRejected), false);
      ownerOf(client)?.identified(client.id);
      done(null, true);
    },
    authorizePublish: (_client, _packet, done) => done(new Error("messages are taken in front of the session broker")),
    authorizeSubscribe(client, subscription, done) {
      done(null, ownerOf(client)?.subscribing(subscription.topic) === true ? subscription : null);
    },
  });
  broker.on("clientReady", (client) => ownerOf(client)?.opened(client.id));
  broker.on("subscribe", (granted, client) => {
    const topics = granted.filter(({ qos }) => Number(qos) <= 2).map(({ topic }) => topic);
    // The event comes while SUBACK is being written, and what is asked comes after it.
    setImmediate(() => ownerOf(client)?.subscribed(topics));
  });
  broker.on("unsubscribe", (topics, client) => ownerOf(client)?.unsubscribed(topics));
  broker.on("connackSent", ({ returnCode }, client) => {
    if (returnCode !== 0) ownerOf(client)?.refused(refusals.get(client) ?? reasonOf(returnCode));
  });
  return {
    handle: (stream) => void broker.handle(stream),
    publish(topic, payload) {
      const packet = {
        cmd: "publish",
        qos: 1,
        retain: false,
        dup: false,
        topic,
        payload: Buffer.from(payload),
      } as const;
      broker.publish(packet, () => undefined);
    },
    close: () => new Promise((resolve) => broker.close(() => resolve())),
  };
}

function reasonOf(returnCode: number | undefined): "client_id" | "protocol_version" {
  return returnCode === identifierRejected ? "client_id" : "protocol_version";
}

function connackError(message: string, returnCode: number): AuthenticateError {
  return Object.assign(new Error(message), { returnCode });
}
