import { conditionWatch } from "./condition-watch.ts";
import type { Flight, MessageWindow } from "./message-window.ts";
import { messageWindow } from "./message-window.ts";
import type { Connection, ConnectionOptions } from "./mqtt-connection.ts";
import { connectOnce } from "./mqtt-connection.ts";

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

export interface LaneOptions extends ConnectionOptions {
  /** Messages on the way at once, and as many that wait. */
  readonly windowMax: number;
  /** How long to try again where nothing answers, from the last moment of being connected. */
  readonly retryMsMax: number;
  /** Waits for leave to connect; the answer is called when the attempt is over. */
  readonly turnToConnect: () => Promise<() => void>;
  /** The connection broke, or an attempt failed. */
  readonly interrupted: (reason: string, attempts: number) => void;
}

/** One connection that publishes in order with QoS 1 and loses nothing: what is not acknowledged goes out again. */
export interface PublishLane {
  push(message: Outgoing): void;
  /** Undefined when more may be pushed, else resolves then; rejects when the lane has given up. */
  room(): Promise<void> | undefined;
  /** Resolves when everything pushed is acknowledged, or the lane is closed; rejects when it has given up. */
  idle(): Promise<void>;
  readonly reconnects: number;
  /** Waits at most `graceMs` for acknowledgements on the way; what has not left is dropped. */
  close(graceMs: number): Promise<void>;
}

/** An endpoint did not answer for as long as the lane was to try. */
export class EndpointUnreachable extends Error {
  override readonly name = "EndpointUnreachable";
}

export function openLane(options: LaneOptions): PublishLane {
  const window = messageWindow<Outgoing>(options.windowMax);
  const watch = conditionWatch();
  let closing: Promise<void> | undefined;
  const link = openLink(options, {
    up: () => leaveAgain(window, link.publish),
    landed(flight) {
      if (!window.land(flight)) return;
      flight.message.acknowledged();
      window.launch(leave);
      watch.tell();
    },
    down: () => watch.tell(),
    gaveUp: (error) => watch.fail(error),
  });

  function leave(flight: Flight<Outgoing>): void {
    flight.message.sent();
    link.publish(flight, false);
  }

  async function close(graceMs: number): Promise<void> {
    window.dropWaiting();
    watch.tell();
    if (link.state === "up")
      await Promise.race([watch.until(() => window.isLanded || link.state !== "up"), delay(graceMs)]);
    await link.close(!window.isLanded);
    watch.tell();
  }

  return {
    push(message) {
      if (closing !== undefined) return;
      window.push(message);
      if (link.state === "up") window.launch(leave);
      else link.want();
    },
    room: () => (window.hasRoom && watch.failure === undefined ? undefined : watch.until(() => window.hasRoom)),
    idle: () => watch.until(() => window.isIdle || link.state === "closed"),
    get reconnects() {
      return link.reconnects;
    },
    close: (graceMs) => (closing ??= close(graceMs)),
  };

  function leaveAgain(of: MessageWindow<Outgoing>, publish: Link["publish"]): void {
    for (const flight of of.unacknowledged()) {
      flight.message.resent();
      publish(flight, true);
    }
    of.launch(leave);
  }
}

interface Link {
  readonly state: "idle" | "connecting" | "up" | "waiting" | "closed";
  readonly reconnects: number;
  /** Connects, where it has not begun to. */
  want(): void;
  publish(flight: Flight<Outgoing>, again: boolean): void;
  close(force: boolean): Promise<void>;
}

interface LinkEvents {
  up(): void;
  /** The connection ended, and not because it was closed. */
  down(): void;
  landed(flight: Flight<Outgoing>): void;
  gaveUp(error: EndpointUnreachable): void;
}

const retryDelayMsMax = 5000;

/** One connection after another, with longer and longer pauses while nothing answers. */
function openLink(options: LaneOptions, events: LinkEvents): Link {
  let state: Link["state"] = "idle";
  let connection: Connection | undefined;
  let retry: NodeJS.Timeout | undefined;
  let reconnects = 0;
  let attempts = 0;
  let lostAtMs = 0;

  async function connect(): Promise<void> {
    state = "connecting";
    const over = await options.turnToConnect();
    if (state !== "connecting") return over();
    const attempt = connectOnce(options, {
      connected() {
        over();
        attempts = 0;
        state = "up";
        events.up();
      },
      ended(reason) {
        over();
        if (connection === attempt) interrupted(reason);
      },
    });
    connection = attempt;
  }

  function interrupted(reason: string): void {
    connection = undefined;
    if (state === "closed") return;
    if (state === "up") {
      reconnects += 1;
      lostAtMs = performance.now();
    }
    attempts += 1;
    options.interrupted(reason, attempts);
    const triedMs = performance.now() - lostAtMs;
    state = triedMs >= options.retryMsMax ? "closed" : "waiting";
    if (state === "closed") return events.gaveUp(unreachable(options.url, reason, attempts, triedMs));
    const delayMs = Math.min(50 * 2 ** attempts, retryDelayMsMax, Math.max(options.retryMsMax - triedMs, 10));
    retry = setTimeout(() => void connect(), delayMs);
    events.down();
  }

  return {
    get state() {
      return state;
    },
    get reconnects() {
      return reconnects;
    },
    want() {
      if (state !== "idle") return;
      lostAtMs = performance.now();
      void connect();
    },
    publish(flight, again) {
      const on = connection;
      // An answer of a connection that is gone says nothing about the message.
      on?.publish(flight.message.topic, flight.message.bytes, again, () => {
        if (on === connection) events.landed(flight);
      });
    },
    async close(force) {
      clearTimeout(retry);
      const hurry = force || state !== "up";
      state = "closed";
      await connection?.end(hurry);
    },
  };
}

function unreachable(url: string, reason: string, attempts: number, triedMs: number): EndpointUnreachable {
  const times = `tried ${attempts} times in ${Math.round(triedMs / 1000)} s`;
  return new EndpointUnreachable(`${url} does not answer: ${reason} (${times})`);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
