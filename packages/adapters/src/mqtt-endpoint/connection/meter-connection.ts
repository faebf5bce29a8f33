import type { Socket } from "node:net";
import { newTurn, type Turn } from "../bounds/fair-turns.ts";
import { isControlPacketFit, judgeConnect } from "../packets/control-packet.ts";
import type { PacketScanner } from "../packets/packet-scanner.ts";
import { packetScanner, packetType } from "../packets/packet-scanner.ts";
import type { ConnectionContext, MqttConnection } from "./connection-context.ts";
import type { Link } from "./link.ts";
import {
  abortLink,
  endLink,
  failLink,
  leaveLink,
  newLink,
  openLink,
  refuseLink,
  sessionEnded,
  socketClosed,
} from "./link.ts";
import type { MessageIntake } from "./message-intake.ts";
import { messageIntake } from "./message-intake.ts";
import type { Admission, Connecting } from "./session-broker.ts";
import type { SessionStream } from "./session-stream.ts";
import { sessionStream } from "./session-stream.ts";
import { hold, socketFlow } from "./socket-flow.ts";

interface Parts {
  readonly link: Link;
  readonly intake: MessageIntake;
  readonly scanner: PacketScanner;
  readonly turn: Turn;
  /** Reads on where there is room. */
  readonly askForRoom: () => void;
  /** Exists once a CONNECT has come. */
  session: SessionStream | undefined;
  keepaliveMs: number;
  /** Something has come since the last sweep. */
  heard: boolean;
  heardAtMs: number;
  /** The packets that had ended when the one that is under way was first seen, and when that was. */
  partialAfter: number;
  partialSinceMs: number;
  readonly listening: ReturnType<ConnectionContext["listeners"]["connection"]>;
}

/** What the first packet of a connection begins with; nothing else is looked at until there is a CONNACK. */
const connectByte = packetType.connect << 4;
/** How long an answered connection is given to hang up by itself. */
const lingerMs = 2_000;
/** How long nothing may come in the middle of a packet. */
const packetStallMs = 30_000;
/** A packet that is under way longer than at this speed is cut off: half of what a GSM modem does. */
const packetBytesPerSecondMin = 500;
/** A CONNECT comes before anybody knows who sends it. */
const connectBytesMax = 16_384;

/** PUBLISH and PUBREL go to the intake, everything else to the session broker. */
export function openConnection(socket: Socket, context: ConnectionContext): MqttConnection {
  const { turns } = context;
  const flow = socketFlow(socket, context.nowMs, () => {
    parts.heard = true;
    inTurn(parts, () => parts.scanner.resume());
  });
  const link = newLink(socket, flow, context);
  const intake = intakeOf(link, () => context.flushSoon(connection));
  const scanner = packetScanner(() => (parts.session === undefined ? connectBytesMax : context.packetBytesMax), {
    publish: intake.publish,
    pubrel(packetId) {
      intake.pubrel(packetId);
      flow.write(Buffer.from([0x70, 2, packetId >> 8, packetId & 255]));
    },
    control: (type, packet) => handOver(parts, connection, type, packet),
    tooLarge(packet, declaredBytes) {
      intake.tooLarge(packet, declaredBytes);
      connection.leave("packet_too_large");
    },
    malformed: () => abortLink(link, "packet_malformed"),
    holding: (bytes) => context.partials.hold(connection, bytes),
    held: () => flow.held() || isTurnOver(parts) || !hasRoom(parts),
  });
  const parts: Parts = {
    link,
    intake,
    scanner,
    turn: newTurn(() => flow.lift(hold.turn), context.nowMs()),
    askForRoom: () => hasRoom(parts) && flow.lift(hold.bytes),
    session: undefined,
    keepaliveMs: 0,
    heard: false,
    heardAtMs: link.phaseSinceMs,
    partialAfter: -1,
    partialSinceMs: 0,
    listening: context.listeners.connection(),
  };
  const connection = connectionOf(parts);

  socket.on("data", (chunk) => {
    parts.heard = true;
    if (link.phase !== "connecting" && link.phase !== "open") return;
    if (parts.session === undefined && !scanner.midPacket() && chunk[0] !== connectByte)
      return abortLink(link, "packet_malformed");
    intake.arrive(context.clock.nowMs(), context.nowMs());
    flow.work(() => inTurn(parts, () => scanner.feed(chunk)));
  });
  // 'close' follows, and a meter that drops off is no news.
  socket.on("error", () => undefined);
  socket.on("close", () => {
    socketClosed(link);
    parts.session?.destroy();
    turns.forget(parts.turn);
    context.budget.forget(parts.askForRoom);
    context.partials.hold(connection, 0);
    parts.listening.close();
    context.gone(connection);
  });
  parts.askForRoom();
  return connection;
}

/** Where it is not its turn, nothing is done but to keep what has come. */
function inTurn(parts: Parts, scan: () => void): void {
  const { link, turn } = parts;
  const { flow, context } = link;
  if (!context.turns.begin(turn)) flow.hold(hold.turn);
  scan();
  context.turns.end();
}

function isTurnOver({ link }: Parts): boolean {
  if (!link.context.turns.isOver()) return false;
  link.flow.hold(hold.turn);
  return true;
}

/** What a connection may have in flight while others have so much that there is little room. */
const smallBytes = 16_384;
const smallMessages = 16;

/** Where there is little room, a connection that has much in flight waits for its acknowledgements. */
function hasRoom({ link, intake, turn, askForRoom }: Parts): boolean {
  const { budget } = link.context;
  const room = budget.room();
  if (room === "free") return true;
  const hasMuch = intake.waitingBytes() > smallBytes || intake.waiting() > smallMessages;
  if (room === "tight" && !hasMuch) return true;
  link.flow.hold(hold.bytes);
  budget.wait(askForRoom);
  // When there is room it is not to wait for its turn, and then have none again.
  turn.isOwed = true;
  return false;
}

function intakeOf(link: Link, ready: () => void): MessageIntake {
  return messageIntake(link.context, {
    clientId: () => link.clientId ?? "",
    sender: () => link.sender,
    full() {
      link.context.events.readingPaused({ reason: "messages_max" });
      link.flow.hold(hold.messages);
    },
    relieved: () => link.flow.lift(hold.messages),
    ready,
    failed: (error) => failLink(link, error),
    overrun: () => abortLink(link, "qos2_unreleased"),
  });
}

/** Gives a packet to the session broker, which meets the connection with its CONNECT. */
function handOver(parts: Parts, connection: MqttConnection, type: number, packet: Buffer): void {
  const { link } = parts;
  if (parts.session === undefined) {
    const verdict = judgeConnect(packet);
    if (verdict === "malformed") return abortLink(link, "packet_malformed");
    if (verdict !== "fit") return refuseConnect(link, verdict);
    link.flow.hold(hold.connecting);
    parts.session = sessionStream({
      wanted: () => link.flow.lift(hold.session),
      write: link.flow.writeAll,
      hungUp: () => sessionEnded(link),
    });
    link.context.handOver(parts.session.stream, connection);
  } else if (!isControlPacketFit(packet)) return abortLink(link, "packet_malformed");
  if (type === packetType.disconnect) link.closeReason ??= "disconnected";
  if (!parts.session.hand(packet)) link.flow.hold(hold.session);
}

/** Answers a CONNECT that is understood and not accepted. */
function refuseConnect(link: Link, returnCode: 1 | 2): void {
  link.refusal = returnCode === 1 ? "protocol_version" : "client_id";
  link.flow.write(Buffer.from([0x20, 2, 0, returnCode]));
  endLink(link);
}

function connectionOf(parts: Parts): MqttConnection {
  const { link } = parts;
  const { context } = link;
  const connection: MqttConnection = {
    connecting(said) {
      parts.keepaliveMs = said.keepaliveMs;
      if (said.hadWill) context.events.willIgnored({ clientId: said.clientId });
      return admit(link, said);
    },
    identified: (clientId) => context.identified(clientId, connection),
    opened(clientId) {
      if (link.phase === "connecting") openLink(link, link.saidClientId === "" ? clientId : link.saidClientId);
    },
    refused(reason) {
      link.refusal ??= reason;
    },
    subscribing(topic) {
      const allowed = parts.listening.allow(topic, link.sender);
      if (!allowed) context.events.subscriptionRefused({ clientId: link.clientId ?? "", topic });
      return allowed;
    },
    subscribed: parts.listening.begin,
    unsubscribed: parts.listening.end,
    flush(nowMs) {
      acknowledge(parts, nowMs);
      endWhenAnswered(parts);
    },
    sweep: (nowMs) => sweep(parts, nowMs),
    recheck(judge) {
      const reason = judge(link.socket, link.sender);
      if (reason === undefined) return;
      if (link.phase === "connecting") refuseLink(link, reason === "identity_changed" ? "not_authorised" : reason);
      else connection.leave(reason);
    },
    roomChanged: parts.askForRoom,
    leave(reason) {
      leaveLink(link, reason);
      endWhenAnswered(parts);
    },
    cutOff: () => abortLink(link, "partial_packets"),
    takenOver() {
      link.closeReason ??= "taken_over";
    },
    destroy: () => void link.socket.destroy(),
  };
  return connection;
}

/** A client id counts among the clients of one sender: nobody throws out another's connection by taking its id. */
function admit(link: Link, said: Connecting): Admission {
  const { identify } = link.context;
  link.saidClientId = said.clientId;
  if (identify === undefined) return { sessionId: said.clientId };
  const sender = identify(link.socket, said);
  if (typeof sender === "string") return { refused: sender };
  link.sender = sender;
  return { sessionId: said.clientId === "" ? "" : `${sender.name}/${said.clientId}` };
}

function acknowledge(parts: Parts, nowMs: number): void {
  const { link, intake } = parts;
  const released = intake.release();
  if (released === undefined) return;
  const { acks, counts, bytes, arrivedAtMs } = released;
  if (acks.length > 0) link.flow.write(acks);
  link.context.events.messagesTaken({ counts, bytes, waitedMs: nowMs - arrivedAtMs });
}

function endWhenAnswered({ link, intake }: Parts): void {
  if (link.phase === "leaving" && intake.waiting() === 0) endLink(link);
}

function sweep(parts: Parts, nowMs: number): void {
  const { link } = parts;
  if (parts.heard) {
    parts.heard = false;
    parts.heardAtMs = nowMs;
  }
  const { phase, context } = link;
  const blockedSinceMs = link.flow.blockedSinceMs();
  if (blockedSinceMs !== undefined && nowMs - blockedSinceMs > context.writeTimeoutMs) abortLink(link, "not_reading");
  else if (phase === "connecting" && nowMs - link.phaseSinceMs > context.connectTimeoutMs)
    refuseLink(link, "connect_timeout");
  else if (phase === "ended" && nowMs - link.phaseSinceMs > lingerMs) link.socket.destroy();
  else if (phase === "failing" && nowMs >= link.failingUntilMs) endLink(link);
  else if (phase === "open" && !link.flow.held()) sweepSilence(parts, nowMs);
  else parts.partialAfter = -1;
}

/** While a connection is held, its silence is ours. */
function sweepSilence(parts: Parts, nowMs: number): void {
  const { link, scanner, keepaliveMs } = parts;
  const silentMs = nowMs - parts.heardAtMs;
  if (keepaliveMs > 0 && silentMs > keepaliveMs * 1.5) abortLink(link, "keepalive_timeout");
  else if (!scanner.midPacket()) parts.partialAfter = -1;
  else if (silentMs > packetStallMs || isPacketLate(parts, nowMs)) abortLink(link, "packet_stalled");
}

function isPacketLate(parts: Parts, nowMs: number): boolean {
  const { packets, declaredBytes } = parts.scanner.progress();
  if (parts.partialAfter !== packets) {
    parts.partialAfter = packets;
    parts.partialSinceMs = nowMs;
  }
  const { packetMs } = parts.link.context;
  return nowMs - parts.partialSinceMs > packetMs + (declaredBytes / packetBytesPerSecondMin) * 1000;
}
