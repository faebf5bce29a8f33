import type { MqttClient } from "mqtt";
import mqtt from "mqtt";

export interface ConnectionOptions {
  readonly url: string;
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** What it listens to, and who is told what comes there. */
  readonly listening?: { readonly topics: readonly string[]; readonly heard: (payload: Buffer) => void } | undefined;
}

/** Of one SUBSCRIBE. */
const topicsMax = 100;

export interface ConnectionEvents {
  connected(): void;
  /** Called once, at the end of the connection or of the attempt. */
  ended(reason: string): void;
}

/** One attempt at one connection; it never reconnects by itself. */
export interface Connection {
  /** QoS 1; `acknowledged` is called when it is, and never where the connection ends before. */
  publish(topic: string, bytes: Buffer, again: boolean, acknowledged: () => void): void;
  /** Says goodbye; with `force` only hangs up. */
  end(force: boolean): Promise<void>;
}

export function connectOnce(options: ConnectionOptions, events: ConnectionEvents): Connection {
  const { username, password } = options;
  const client = mqtt.connect(options.url, {
    clientId: options.clientId,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    reconnectPeriod: 0,
    connectTimeout: 10_000,
    keepalive: 30,
  });
  watchEnd(client, events);
  client.on("connect", () => {
    listen(client, options);
    events.connected();
  });
  return {
    publish(topic, bytes, again, acknowledged) {
      client.publish(topic, bytes, { qos: 1, dup: again }, (error) => {
        if (!error) acknowledged();
      });
    },
    end: (force) => new Promise((resolve) => client.end(force, {}, () => resolve())),
  };
}

function listen(client: MqttClient, { listening }: ConnectionOptions): void {
  if (listening === undefined) return;
  client.on("message", (_topic, payload) => listening.heard(payload));
  for (let from = 0; from < listening.topics.length; from += topicsMax)
    client.subscribe(listening.topics.slice(from, from + topicsMax), { qos: 1 }, () => undefined);
}

function watchEnd(client: MqttClient, events: ConnectionEvents): void {
  let reason = "the connection was closed";
  client.on("error", (error) => {
    reason = explain(error);
    // A refusal leaves the connection open where the server does.
    if (!client.connected) client.end(true);
  });
  client.once("close", () => {
    events.ended(reason);
    client.end(true);
  });
}

function explain(error: Error & { code?: unknown }): string {
  if (error.code === "ECONNREFUSED") return "connection refused, nothing listens there";
  return error.message === "" ? String(error.code ?? error.name) : error.message;
}

/** Lets at most so many connect at a time; the answer to the turn is called when the attempt is over. */
export function turnsToConnect(atOnceMax: number): () => Promise<() => void> {
  const waiting: (() => void)[] = [];
  let free = atOnceMax;
  function leave(): void {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  }
  return async () => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    let left = false;
    return () => {
      if (left) return;
      left = true;
      leave();
    };
  };
}
