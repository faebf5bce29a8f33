import type { Sender } from "@meterbook/core/ports/meter-endpoint";
import type { Owed, Released } from "./ack-queue.ts";
import { ackQueue } from "./ack-queue.ts";
import type { ConnectionContext } from "./connection-context.ts";
import { isHeld } from "./hold-back.ts";
import type { PublishPacket } from "./publish-packet.ts";

/** What the messages of a connection do to the connection. */
export interface IntakeOwner {
  clientId(): string;
  sender(): Sender | undefined;
  /** As many messages as allowed wait to be acknowledged. */
  full(): void;
  /** The queue is below half of what is allowed. */
  relieved(): void;
  /** Something may be acknowledged. */
  ready(): void;
  /** A message was not kept. It and those behind it will never be acknowledged on this connection. */
  failed(error: unknown): void;
  /** More QoS 2 messages are waiting to be released than allowed. */
  overrun(): void;
}

export interface MessageIntake {
  /** The messages that follow have come now: by the clock, and by monotonic time. */
  arrive(clockMs: number, nowMs: number): void;
  publish(packet: PublishPacket): void;
  tooLarge(packet: PublishPacket, declaredBytes: number): void;
  /** The sender will not send the QoS 2 message again. */
  pubrel(packetId: number): void;
  /** What may be acknowledged now, in order. */
  release(): Released | undefined;
  /** Messages that are not acknowledged yet. */
  waiting(): number;
}

const qos2UnreleasedMax = 1_000;

/**
 * Takes the messages of one connection in order and knows what may be acknowledged.
 *
 * QoS 0 is taken and owes nothing. QoS 2 is as durable as QoS 1: PUBREC after `take` has resolved, and a repeated
 * PUBLISH before PUBREL is not taken again. That memory ends with the connection, so across a reconnect QoS 2 is
 * at-least-once as well; the same reading twice is one reading further down.
 */
export function messageIntake(context: ConnectionContext, owner: IntakeOwner): MessageIntake {
  const queue = ackQueue();
  let unreleased: Set<number> | undefined;
  let full = false;
  let receivedAtMs = 0;
  let arrivedAtMs = 0;

  function owe(packet: PublishPacket, bytes: number): Owed {
    const owed = { qos: packet.qos, packetId: packet.packetId, bytes, arrivedAtMs, settled: false };
    queue.add(owed);
    if (!full && queue.length() >= context.inFlightMessagesMax) {
      full = true;
      owner.full();
    }
    return owed;
  }

  function follow(owed: Owed, done: Promise<void>, bytes: number): void {
    context.budget.add(bytes);
    done.then(
      () => {
        context.budget.remove(bytes);
        context.settled("kept");
        settle(owed);
      },
      (error: unknown) => {
        context.budget.remove(bytes);
        context.settled(isHeld(error) ? "held" : "failed");
        owner.failed(error);
      },
    );
  }

  function settle(owed: Owed): void {
    owed.settled = true;
    if (queue.ready()) owner.ready();
  }

  /** True when it is the first time, and when it is not the PUBREC waits its turn behind the first one's. */
  function isNew(packet: PublishPacket): boolean {
    if (packet.qos !== 2) return true;
    unreleased ??= new Set();
    if (unreleased.has(packet.packetId)) {
      settle(owe(packet, 0));
      return false;
    }
    unreleased.add(packet.packetId);
    if (unreleased.size > qos2UnreleasedMax) owner.overrun();
    return true;
  }

  return {
    arrive(clockMs, nowMs) {
      receivedAtMs = clockMs;
      arrivedAtMs = nowMs;
    },
    publish(packet) {
      if (!isNew(packet)) return;
      const { topic, payload } = packet;
      const clientId = owner.clientId();
      if (packet.retain) context.events.retainIgnored({ clientId });
      const bytes = payload.length;
      follow(
        owe(packet, bytes),
        context.take({ topic, payload, receivedAtMs, clientId, sender: owner.sender() }),
        bytes,
      );
    },
    tooLarge(packet, declaredBytes) {
      const { topic, payload: firstBytes } = packet;
      const [clientId, sender] = [owner.clientId(), owner.sender()];
      const kept = context.events.packetTooLarge({ clientId, sender, topic, declaredBytes, firstBytes });
      follow(owe(packet, firstBytes.length), kept, firstBytes.length);
    },
    pubrel: (packetId) => void unreleased?.delete(packetId),
    release() {
      const released = queue.release();
      if (full && queue.length() * 2 <= context.inFlightMessagesMax) {
        full = false;
        owner.relieved();
      }
      return released;
    },
    waiting: () => queue.length(),
  };
}
