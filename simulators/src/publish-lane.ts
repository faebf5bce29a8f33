import type { MqttClient } from "mqtt";
import mqtt from "mqtt";

/** One MQTT message of a meter. */
export interface Outgoing {
  readonly topic: string;
  readonly bytes: Buffer;
  /** Called once, when the message first leaves. */
  sent(): void;
  /** Called each time it leaves again, because its connection ended before it was acknowledged. */
  resent(): void;
  /** Called once, when the server has acknowledged it. */
  acknowledged(): void;
}

export interface LaneOptions {
  readonly url: string;
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Messages on the way at once. */
  readonly windowMax: number;
  /** How long to try again where nothing answers, from the last moment of being connected. */
  readonly retryMsMax: number;
  /** Lets so many lanes connect at a time; the answer is called when the attempt is over. */
  readonly turnToConnect: () => Promise<() => void>;
  /** The connection broke, or an attempt failed. */
  readonly interrupted: (reason: string, attempts: number) => void;
}

/** One connection that publishes in order with QoS 1 and loses nothing: what is not acknowledged goes out again. */
export interface PublishLane {
  push(message: Outgoing): void;
  /** Resolves when more may be pushed; rejects when the lane has given up. */
  room(): Promise<void> | undefined;
  /** Resolves when everything pushed is acknowledged; rejects when the lane has given up. */
  idle(): Promise<void>;
  readonly reconnects: number;
  /** Ends the connection after at most `graceMs` for acknowledgements on the way; what has not left is dropped. */
  close(graceMs: number): Promise<void>;
}

/** An endpoint did not answer for as long as the lane was to try. */
export class EndpointUnreachable extends Error {
  override readonly name = "EndpointUnreachable";
}

interface Flying {
  readonly message: Outgoing;
  done: boolean;
}

const retryDelayMsMax = 5000;

export function openLane(options: LaneOptions): PublishLane {
  const queue: Outgoing[] = [];
  const flying: Flying[] = [];
  let client: MqttClient | undefined;
  let state: "idle" | "connecting" | "up" | "waiting" | "closed" = "idle";
  let lostAtMs: number | undefined;
  let attempts = 0;
  let reconnects = 0;
  let broken: Error | undefined;
  let retry: NodeJS.Timeout | undefined;
  let closing: Promise<void> | undefined;
  let watchers: {
    readonly wanted: () => boolean;
    readonly resolve: () => void;
    readonly reject: (error: Error) => void;
  }[] = [];

  const isIdle = () => queue.length === 0 && flying.length === 0;
  const hasRoom = () => queue.length < options.windowMax;

  function when(wanted: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      if (broken !== undefined) reject(broken);
      else if (wanted() || state === "closed") resolve();
      else watchers.push({ wanted, resolve, reject });
    });
  }

  function tell(): void {
    if (watchers.length === 0) return;
    const told = watchers.filter(({ wanted }) => broken !== undefined || state === "closed" || wanted());
    watchers = watchers.filter((watcher) => !told.includes(watcher));
    for (const watcher of told) {
      if (broken === undefined) watcher.resolve();
      else watcher.reject(broken);
    }
  }

  async function connect(): Promise<void> {
    state = "connecting";
    lostAtMs ??= performance.now();
    const over = await options.turnToConnect();
    if (state !== "connecting") return over();
    const { username, password } = options;
    const attempt = mqtt.connect(options.url, {
      clientId: options.clientId,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      reconnectPeriod: 0,
      connectTimeout: 10_000,
      keepalive: 30,
    });
    client = attempt;
    let reason = "the connection was closed";
    attempt.on("connect", () => {
      over();
      begin(attempt);
    });
    attempt.on("error", (error) => {
      reason = explain(error);
      // A refusal leaves the connection open where the server does.
      if (!attempt.connected) attempt.end(true);
    });
    attempt.once("close", () => {
      over();
      if (client === attempt) interrupted(reason);
      attempt.end(true);
    });
  }

  function begin(attempt: MqttClient): void {
    state = "up";
    lostAtMs = undefined;
    attempts = 0;
    for (const entry of flying) {
      if (entry.done) continue;
      entry.message.resent();
      publish(attempt, entry, true);
    }
    pump();
  }

  function interrupted(reason: string): void {
    client = undefined;
    if (state === "closed") return tell();
    if (state === "up") reconnects += 1;
    attempts += 1;
    lostAtMs ??= performance.now();
    state = "waiting";
    options.interrupted(reason, attempts);
    const triedMs = performance.now() - lostAtMs;
    if (triedMs >= options.retryMsMax) return giveUp(reason, triedMs);
    const delayMs = Math.min(50 * 2 ** attempts, retryDelayMsMax, Math.max(options.retryMsMax - triedMs, 10));
    retry = setTimeout(() => void connect(), delayMs);
  }

  function giveUp(reason: string, triedMs: number): void {
    state = "closed";
    const seconds = Math.round(triedMs / 1000);
    broken = new EndpointUnreachable(
      `${options.url} does not answer: ${reason} (tried ${attempts} times in ${seconds} s)`,
    );
    tell();
  }

  function pump(): void {
    const current = client;
    if (state !== "up" || current === undefined) return;
    while (queue.length > 0 && flying.length < options.windowMax) {
      const message = queue.shift() as Outgoing;
      const entry: Flying = { message, done: false };
      flying.push(entry);
      message.sent();
      publish(current, entry, false);
    }
  }

  function publish(on: MqttClient, entry: Flying, dup: boolean): void {
    on.publish(entry.message.topic, entry.message.bytes, { qos: 1, dup }, (error) => {
      // A callback of a connection that is gone says nothing about the message.
      if (error || on !== client || entry.done) return;
      entry.done = true;
      entry.message.acknowledged();
      while (flying[0]?.done === true) flying.shift();
      pump();
      tell();
    });
  }

  async function close(graceMs: number): Promise<void> {
    queue.length = 0;
    tell();
    if (state === "up" && flying.length > 0) await Promise.race([when(isIdle), delay(graceMs)]).catch(() => undefined);
    clearTimeout(retry);
    const ending = client;
    const force = flying.length > 0 || state !== "up";
    state = "closed";
    tell();
    if (ending !== undefined) await new Promise<void>((resolve) => ending.end(force, {}, () => resolve()));
  }

  return {
    push(message) {
      if (closing !== undefined) return;
      queue.push(message);
      if (state === "idle") void connect();
      else pump();
    },
    room: () => (hasRoom() && broken === undefined ? undefined : when(hasRoom)),
    idle: () => when(isIdle),
    get reconnects() {
      return reconnects;
    },
    close: (graceMs) => (closing ??= close(graceMs)),
  };
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

function explain(error: Error & { code?: unknown }): string {
  if (error.code === "ECONNREFUSED") return "connection refused, nothing listens there";
  return error.message === "" ? String(error.code ?? error.name) : error.message;
}

/** Lets at most so many connect at a time; a storm of connections is nobody's test. */
export function connectGate(atOnceMax: number): () => Promise<() => void> {
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
