import type { Socket } from "node:net";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { ConnectionContext } from "./connection-context.ts";
import type { CloseReason, RefusalReason } from "./endpoint-events.ts";
import { messageIntake } from "./message-intake.ts";
import { packetScanner, packetType } from "./packet-scanner.ts";
import { requestsSubscriptions } from "./requests-subscriptions.ts";
import type { SessionOwner } from "./session-broker.ts";
import type { SessionStream } from "./session-stream.ts";
import { sessionStream } from "./session-stream.ts";
import { hold, socketFlow } from "./socket-flow.ts";

export interface MqttConnection extends SessionOwner {
  /** Writes the acknowledgements that are due. `nowMs` is monotonic, as everywhere here. */
  flush(nowMs: number): void;
  /** Looks whether something has taken too long. */
  sweep(nowMs: number): void;
  budgetChanged(exhausted: boolean): void;
  /** Takes nothing more; hangs up once all that was taken is acknowledged. */
  leave(reason: CloseReason): void;
  /** Somebody else connects with the same client id. */
  takenOver(): void;
  destroy(): void;
}

/** How long an answered connection is given to hang up by itself, its bytes thrown away. */
const lingerMs = 2_000;
/** How long nothing may come in the middle of a packet. */
const packetStallMs = 30_000;

/**
 * - `failing`: a message was not kept; the connection ends at `failingUntilMs`.
 * - `leaving`: waits for what was taken, then ends.
 * - `ended`: all is said; what still comes is thrown away.
 */
type Phase = "connecting" | "open" | "failing" | "leaving" | "ended" | "gone";

/** Between one meter's socket and the endpoint: PUBLISH goes to the intake, everything else to the session broker. */
export function openConnection(socket: Socket, context: ConnectionContext): MqttConnection {
  const { events } = context;
  let phase: Phase = "connecting";
  let phaseSinceMs = context.sweptAtMs();
  let clientId: string | undefined;
  let session: SessionStream | undefined;
  let refusal: RefusalReason | undefined;
  let closeReason: CloseReason | undefined;
  let heardAtMs = phaseSinceMs;
  let keepaliveMs = 0;
  let failingUntilMs = 0;

  const flow = socketFlow(socket, context.sweptAtMs, () => {
    heardAtMs = context.sweptAtMs();
    scanner.resume();
  });
  const subscriptions = requestsSubscriptions();
  const intake = messageIntake(context, {
    clientId: () => clientId ?? "",
    full() {
      events.readingPaused({ reason: "messages_max" });
      flow.hold(hold.messages);
    },
    relieved: () => flow.lift(hold.messages),
    ready: () => context.flushSoon(connection),
    failed,
    overrun: () => abort("qos2_unreleased"),
  });
  const scanner = packetScanner(context.packetBytesMax, {
    publish: (packet) => (session === undefined ? abort("packet_malformed") : intake.publish(packet)),
    pubrel(packetId) {
      intake.pubrel(packetId);
      flow.write(Buffer.from([0x70, 2, packetId >> 8, packetId & 255]));
    },
    control,
    tooLarge(packet, declaredBytes) {
      if (session === undefined) return abort("packet_malformed");
      intake.tooLarge(packet, declaredBytes);
      leave("packet_too_large");
    },
    malformed: () => abort("packet_malformed"),
    held: flow.held,
  });

  function control(type: number, packet: Buffer): void {
    if (session === undefined) {
      if (type !== packetType.connect) return abort("packet_malformed");
      refusal = "not_mqtt";
      flow.hold(hold.connecting);
      session = sessionStream({ wanted: () => flow.lift(hold.session), write: flow.writeAll, hungUp });
      context.handOver(session.stream, connection);
    }
    if (type === packetType.disconnect) closeReason ??= "disconnected";
    if (!session.hand(packet)) flow.hold(hold.session);
  }

  function enter(next: Phase): void {
    phase = next;
    phaseSinceMs = context.sweptAtMs();
    flow.hold(hold.leaving);
  }

  function failed(error: unknown): void {
    events.messageFailed({ clientId: clientId ?? "", code: error instanceof AdapterError ? error.code : "bug", error });
    if (phase !== "open" && phase !== "leaving") return;
    closeReason = "message_not_kept";
    failingUntilMs = context.sweptAtMs() + context.holdBackMs();
    enter("failing");
  }

  function leave(reason: CloseReason): void {
    if (phase === "connecting") return refuse("closing");
    if (phase === "failing") return end();
    if (phase !== "open") return;
    closeReason ??= reason;
    enter("leaving");
    if (intake.waiting() === 0) end();
  }

  /** Goes on reading, because closing a socket with bytes unread takes back what was just written. */
  function end(): void {
    enter("ended");
    socket.end();
    socket.resume();
  }

  function abort(reason: CloseReason): void {
    if (phase === "connecting") return refuse("not_mqtt");
    closeReason ??= reason;
    flow.hold(hold.leaving);
    socket.destroy();
  }

  function refuse(reason: RefusalReason): void {
    refusal = reason;
    flow.hold(hold.leaving);
    socket.destroy();
  }

  /** The session broker is done with the connection: a DISCONNECT, a refusal, a takeover, or what it dislikes. */
  function hungUp(): void {
    if (phase === "gone" || phase === "ended") return;
    closeReason ??= "session_failed";
    enter("ended");
    socket.destroySoon();
  }

  function gone(): void {
    phase = "gone";
    session?.destroy();
    if (clientId === undefined) events.connectionRefused({ reason: refusal ?? "hung_up" });
    else events.connectionClosed({ clientId, reason: closeReason ?? "hung_up" });
    context.gone(connection, clientId);
  }

  function sweepOpen(nowMs: number): void {
    const silentMs = nowMs - heardAtMs;
    if (keepaliveMs > 0 && silentMs > keepaliveMs * 1.5) abort("keepalive_timeout");
    else if (silentMs > packetStallMs && scanner.midPacket()) abort("packet_stalled");
  }

  socket.on("data", (chunk) => {
    heardAtMs = context.sweptAtMs();
    if (phase !== "connecting" && phase !== "open") return;
    intake.arrive(context.clock.nowMs());
    flow.work(() => scanner.feed(chunk));
  });
  socket.on("error", () => undefined);
  socket.on("close", gone);

  const connection: MqttConnection = {
    connecting(facts) {
      refusal = undefined;
      keepaliveMs = facts.keepaliveMs;
      if (facts.hadWill) events.willIgnored({ clientId: facts.clientId });
    },
    identified: (id) => context.identified(id, connection),
    opened(id) {
      if (phase !== "connecting") return;
      phase = "open";
      clientId = id;
      events.connectionOpened({ clientId });
      flow.lift(hold.connecting);
    },
    refused: (reason) => {
      refusal = reason;
    },
    subscribing(topic) {
      if (subscriptions.add(topic)) return true;
      events.subscriptionRefused({ clientId: clientId ?? "", topic });
      return false;
    },
    unsubscribed: subscriptions.remove,
    flush(nowMs) {
      const released = intake.release();
      if (released !== undefined) {
        if (released.acks.length > 0) flow.write(released.acks);
        const { counts, bytes, arrivedAtMs } = released;
        events.messagesTaken({ counts, bytes, waitedMs: nowMs - arrivedAtMs });
      }
      if (phase === "leaving" && intake.waiting() === 0) end();
    },
    sweep(nowMs) {
      const blockedSinceMs = flow.blockedSinceMs();
      if (phase === "connecting" && nowMs - phaseSinceMs > context.connectTimeoutMs) refuse("connect_timeout");
      else if (phase === "ended" && nowMs - phaseSinceMs > lingerMs) socket.destroy();
      else if (phase === "failing" && nowMs >= failingUntilMs) end();
      else if (blockedSinceMs !== undefined && nowMs - blockedSinceMs > context.writeTimeoutMs) abort("not_reading");
      else if (phase === "open" && !flow.held()) sweepOpen(nowMs);
    },
    budgetChanged: (exhausted) => (exhausted ? flow.hold(hold.bytes) : flow.lift(hold.bytes)),
    leave,
    takenOver() {
      closeReason ??= "taken_over";
    },
    destroy: () => void socket.destroy(),
  };
  if (context.budget.exhausted()) flow.hold(hold.bytes);
  return connection;
}
