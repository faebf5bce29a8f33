import type { Sender } from "@meterbook/core/ports/meter-endpoint";
import type { Owed, Released } from "../../mqtt-messages/ack-queue.ts";
import { ackQueue } from "../../mqtt-messages/ack-queue.ts";
import { isHeld } from "../../mqtt-messages/hold-back.ts";
import type { PublishPacket } from "../packets/publish-packet.ts";
import type { ConnectionContext } from "./connection-context.ts";

/** What the messages of a connection do to the connection. */
export interface IntakeOwner {
  clientId(): string;
  sender(): Sender | undefined;
  /** As much as allowed waits to be acknowledged. */
  full(): void;
  /** It is below half of what is allowed. */
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
  /** Their payloads. */
  waitingBytes(): number;
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
  const unreleased = unreleasedIds();
  let full = false;
  let receivedAtMs = 0;
  let arrivedAtMs = 0;

  /** Whether as much waits as this share of what is allowed. */
  function isBeyond(share: number): boolean {
    const { inFlightMessagesMax, inFlightBytesEachMax } = context;
    return queue.length() >= share * inFlightMessagesMax || queue.bytes() >= share * inFlightBytesEachMax;
  }

  function owe(packet: PublishPacket, bytes: number): Owed {
    const owed = { qos: packet.qos, packetId: packet.packetId, bytes, arrivedAtMs, settled: false };
    queue.add(owed);
    if (!full && isBeyond(1)) {
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

  return {
    arrive(clockMs, nowMs) {
      receivedAtMs = clockMs;
      arrivedAtMs = nowMs;
    },
    publish(packet) {
      const repeated = packet.qos === 2 && unreleased.has(packet.packetId);
      // The PUBREC of a repetition waits its turn behind the first one's.
      if (repeated) return settle(owe(packet, 0));
      if (packet.qos === 2 && unreleased.add(packet.packetId) > qos2UnreleasedMax) owner.overrun();
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
    pubrel: unreleased.delete,
    release() {
      const released = queue.release();
      if (full && !isBeyond(0.5)) {
        full = false;
        owner.relieved();
      }
      return released;
    },
    waiting: () => queue.length(),
    waitingBytes: queue.bytes,
  };
}

/** Of QoS 2 messages that the sender may send again. Most connections have none. */
function unreleasedIds() {
  let ids: Set<number> | undefined;
  return {
    has: (id: number) => ids?.has(id) === true,
    /** Answers how many there are now. */
    add(id: number): number {
      ids ??= new Set();
      return ids.add(id).size;
    },
    delete: (id: number) => void ids?.delete(id),
  };
}
