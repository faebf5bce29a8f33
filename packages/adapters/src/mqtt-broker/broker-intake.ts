import type { Clock } from "@meterbook/core/ports/clock";
import type { TakeMessage } from "@meterbook/core/ports/meter-endpoint";
import type { IPublishPacket } from "mqtt";
import { ackQueue } from "../mqtt-messages/ack-queue.ts";
import type { BrokerEvents } from "./broker-events.ts";

export interface BrokerIntakeOptions {
  /** Taken and not acknowledged; then nothing more is read until half of them are. */
  readonly messagesMax: number;
  /** Their payloads, likewise. */
  readonly bytesMax: number;
  /** Of one message; a longer one is cut off, reported and acknowledged. */
  readonly payloadBytesMax: number;
  /** Stands for the sender, of whom a broker says nothing. */
  readonly clientId: string;
  readonly clock: Clock;
  readonly events: Pick<BrokerEvents, "messagesTaken" | "readingPaused" | "packetTooLarge" | "retainedRepeated">;
  readonly take: TakeMessage;
  /** Whether the broker sends its retained messages again on this connection. */
  repeatsRetained(): boolean;
  /** Writes PUBACKs to the connection that this intake is for. */
  write(acks: Buffer): void;
  /** `take` has rejected: that message and those behind it are never acknowledged on this connection. */
  failed(error: unknown): void;
}

/** The messages of one connection to a broker. */
export interface BrokerIntake {
  /** `next` asks for the next packet. It is always called with an error, which keeps MQTT.js from acknowledging. */
  message(packet: IPublishPacket, next: (error: Error) => void): void;
  /** Nothing is read because too much waits to be taken. */
  held(): boolean;
  /** Takes nothing more. */
  stop(): void;
  /** Resolves once nothing waits for an acknowledgement that can still come. */
  answered(): Promise<void>;
  /** Resolves once no `take` is under way. */
  idle(): Promise<void>;
}

/** MQTT.js sends no PUBACK and goes on when `handleMessage` answers with an error (a test holds it to that). */
const acknowledgedLater = new Error("acknowledged later");
const keptBytesMax = 4096;

/**
 * A window in front of MQTT.js: messages are taken as they come, and PUBACKs are written by us, in order, for all that
 * settled together. When the window is full the client does not get its next packet, so TCP slows the broker down.
 */
export function brokerIntake(options: BrokerIntakeOptions): BrokerIntake {
  const { messagesMax, bytesMax, events } = options;
  const queue = ackQueue();
  let bytesWaiting = 0;
  let taking = 0;
  let flushing = false;
  let state: "open" | "failed" | "stopped" = "open";
  let heldNext: ((error: Error) => void) | undefined;
  const changes = changeWatch();

  const within = (share: number) => queue.length() <= messagesMax * share && bytesWaiting <= bytesMax * share;

  function flush(): void {
    flushing = false;
    const released = queue.release();
    if (released !== undefined) {
      const { acks, counts, bytes, arrivedAtMs } = released;
      bytesWaiting -= bytes;
      if (acks.length > 0) options.write(acks);
      events.messagesTaken({ counts, bytes, waitedMs: performance.now() - arrivedAtMs });
    }
    changes.tell();
    if (heldNext === undefined || state !== "open" || !within(0.5)) return;
    const next = heldNext;
    heldNext = undefined;
    next(acknowledgedLater);
  }

  function flushSoon(): void {
    if (flushing) return;
    flushing = true;
    setImmediate(flush);
  }

  function takeNow(packet: IPublishPacket): void {
    const payload = Buffer.isBuffer(packet.payload) ? packet.payload : Buffer.from(packet.payload);
    const { qos, messageId: packetId = 0 } = packet;
    const owed = { qos, packetId, bytes: payload.length, arrivedAtMs: performance.now(), settled: false };
    queue.add(owed);
    bytesWaiting += payload.length;
    taking += 1;
    handle(options, packet, payload).then(
      () => {
        taking -= 1;
        owed.settled = true;
        if (queue.ready() || taking === 0) flushSoon();
      },
      (error: unknown) => {
        taking -= 1;
        if (state === "open") state = "failed";
        options.failed(error);
        flushSoon();
      },
    );
  }

  return {
    message(packet, next) {
      if (state !== "open") return;
      takeNow(packet);
      if (queue.length() < messagesMax && bytesWaiting < bytesMax) return next(acknowledgedLater);
      events.readingPaused({ reason: queue.length() < messagesMax ? "bytes_max" : "messages_max" });
      heldNext = next;
    },
    held: () => heldNext !== undefined,
    stop() {
      state = "stopped";
    },
    answered: () => changes.until(() => queue.length() === 0 || (taking === 0 && !queue.ready())),
    idle: () => changes.until(() => taking === 0),
  };
}

function handle(options: BrokerIntakeOptions, { topic, retain, dup }: IPublishPacket, payload: Buffer): Promise<void> {
  const { clientId, events } = options;
  if (retain && !dup && options.repeatsRetained()) {
    events.retainedRepeated();
    return Promise.resolve();
  }
  if (payload.length > options.payloadBytesMax) {
    const firstBytes = payload.subarray(0, keptBytesMax);
    return events.packetTooLarge({ clientId, topic, declaredBytes: payload.length, firstBytes });
  }
  return options.take({ topic, payload, receivedAtMs: options.clock.nowMs(), clientId });
}

/** Waits for a condition that may have changed whenever `tell` is called. */
function changeWatch() {
  let watchers: (() => void)[] = [];
  return {
    tell(): void {
      const told = watchers;
      watchers = [];
      for (const tell of told) tell();
    },
    async until(condition: () => boolean): Promise<void> {
      while (!condition()) await new Promise<void>((resolve) => void watchers.push(resolve));
    },
  };
}
