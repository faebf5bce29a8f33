import type { Duplex } from "node:stream";
import type { AuthenticateError, Client } from "aedes";
import { Aedes } from "aedes";

/** What the session broker tells the connection behind one of its streams. */
export interface SessionOwner {
  /** CONNECT is acceptable in form. `keepaliveMs` is 0 where the client wants none. */
  connecting(facts: { readonly clientId: string; readonly keepaliveMs: number; readonly hadWill: boolean }): void;
  /** The client id is accepted; whoever had it before is about to be closed. */
  identified(clientId: string): void;
  /** CONNACK is written. */
  opened(clientId: string): void;
  refused(reason: "protocol_version" | "client_id"): void;
  /** Whether the topic may be subscribed to. */
  subscribing(topic: string): boolean;
  unsubscribed(topics: readonly string[]): void;
}

/**
 * The part of MQTT that is left to aedes: CONNECT, SUBSCRIBE, PING, DISCONNECT, one connection per client id, and the
 * way of a request to its meter. It never sees a PUBLISH of a meter: the connection takes those, which spares
 * aedes' publish path (a retained store, an offline queue and a topic trie, for readings that nobody subscribes to).
 */
export interface SessionBroker {
  handle(stream: Duplex): void;
  close(): Promise<void>;
}

/** MQTT 3.1.1 lets a server choose; longer ones are a mistake, and they end in logs and in the rejected log. */
const clientIdCharsMax = 256;
const identifierRejected = 2;

export async function openSessionBroker(options: {
  readonly ownerOf: (stream: Duplex) => SessionOwner | undefined;
  readonly drainTimeoutMs: number;
}): Promise<SessionBroker> {
  const ownerOf = (client: Client) => options.ownerOf(client.conn);
  const broker = await Aedes.createBroker({
    drainTimeout: options.drainTimeoutMs,
    preConnect(client, packet, done) {
      const { clientId, keepalive = 0, will } = packet;
      ownerOf(client)?.connecting({ clientId, keepaliveMs: keepalive * 1000, hadWill: will !== undefined });
      // No session outlives its connection, or memory would grow with every client id ever seen; CONNACK says so
      // (session present = 0). The connection watches over keepalive, because aedes does not see the publishes.
      packet.clean = true;
      packet.keepalive = 0;
      delete packet.will;
      done(null, true);
    },
    authenticate(client, _username, _password, done) {
      if (client.id.length > clientIdCharsMax) return done(rejectedIdentifier(), false);
      ownerOf(client)?.identified(client.id);
      done(null, true);
    },
    authorizePublish: (_client, _packet, done) => done(new Error("messages are taken in front of the session broker")),
    authorizeSubscribe(client, subscription, done) {
      done(null, ownerOf(client)?.subscribing(subscription.topic) === true ? subscription : null);
    },
  });
  broker.on("clientReady", (client) => ownerOf(client)?.opened(client.id));
  broker.on("unsubscribe", (topics, client) => ownerOf(client)?.unsubscribed(topics));
  broker.on("connackSent", ({ returnCode }, client) => {
    if (returnCode !== 0)
      ownerOf(client)?.refused(returnCode === identifierRejected ? "client_id" : "protocol_version");
  });
  return {
    handle: (stream) => void broker.handle(stream),
    close: () => new Promise((resolve) => broker.close(() => resolve())),
  };
}

function rejectedIdentifier(): AuthenticateError {
  return Object.assign(new Error("client id too long"), { returnCode: identifierRejected });
}
