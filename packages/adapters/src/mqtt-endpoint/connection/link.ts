import type { Socket } from "node:net";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Sender } from "@meterbook/core/ports/meter-endpoint";
import { isHeld } from "../../mqtt-messages/hold-back.ts";
import type { CloseReason, RefusalReason } from "../endpoint-events.ts";
import type { ConnectionContext } from "./connection-context.ts";
import type { SocketFlow } from "./socket-flow.ts";
import { hold } from "./socket-flow.ts";

/**
 * - `failing`: a message was not kept; the connection ends at `failingUntilMs`.
 * - `leaving`: waits for what was taken, then ends.
 * - `ended`: all is said; what still comes is thrown away.
 */
export type Phase = "connecting" | "open" | "failing" | "leaving" | "ended" | "gone";

/** How far a connection is and why it is, or will be, gone. The first reason that is named counts. */
export interface Link {
  readonly socket: Socket;
  readonly flow: SocketFlow;
  readonly context: ConnectionContext;
  phase: Phase;
  phaseSinceMs: number;
  failingUntilMs: number;
  /** Undefined until the connection is open. */
  clientId: string | undefined;
  /** As the client said it in its CONNECT; empty where it left that to us. */
  saidClientId: string;
  /** Undefined where nobody asks who it is. */
  sender: Sender | undefined;
  refusal: RefusalReason | undefined;
  closeReason: CloseReason | undefined;
}

export function newLink(socket: Socket, flow: SocketFlow, context: ConnectionContext): Link {
  return {
    socket,
    flow,
    context,
    phase: "connecting",
    phaseSinceMs: context.nowMs(),
    failingUntilMs: 0,
    clientId: undefined,
    saidClientId: "",
    sender: undefined,
    refusal: undefined,
    closeReason: undefined,
  };
}

export function openLink(link: Link, clientId: string): void {
  link.phase = "open";
  link.clientId = clientId;
  link.context.events.connectionOpened({ clientId });
  link.flow.lift(hold.connecting);
}

/** A message was not kept: nothing more is read, and the client is sent away once it has waited. */
export function failLink(link: Link, error: unknown): void {
  const { context, clientId = "" } = link;
  context.events.messageFailed({ clientId, code: error instanceof AdapterError ? error.code : "bug", error });
  if (link.phase !== "open" && link.phase !== "leaving") return;
  link.closeReason = isHeld(error) ? "rejected_full" : "message_not_kept";
  enter(link, "failing");
  link.failingUntilMs = link.phaseSinceMs + (isHeld(error) ? context.slowDownMs() : context.holdBackMs());
}

/** Reads nothing more; `endWhenAnswered` follows. */
export function leaveLink(link: Link, reason: CloseReason): void {
  if (link.phase === "connecting") refuseLink(link, "closing");
  else if (link.phase === "failing") endLink(link);
  if (link.phase !== "open") return;
  link.closeReason ??= reason;
  enter(link, "leaving");
}

/** Goes on reading, because closing a socket with bytes unread takes back what was just written. */
export function endLink(link: Link): void {
  enter(link, "ended");
  link.socket.end();
  link.socket.resume();
}

/** The client has broken a rule: nothing more is said. */
export function abortLink(link: Link, reason: CloseReason): void {
  if (link.phase === "connecting") return refuseLink(link, "not_mqtt");
  link.closeReason ??= reason;
  link.flow.hold(hold.leaving);
  link.socket.destroy();
}

export function refuseLink(link: Link, reason: RefusalReason): void {
  link.refusal ??= reason;
  link.flow.hold(hold.leaving);
  link.socket.destroy();
}

/** The session broker hangs up: a DISCONNECT, a refusal that it has written, a takeover, or what it dislikes. */
export function sessionEnded(link: Link): void {
  if (link.phase === "gone" || link.phase === "ended") return;
  link.refusal ??= "not_mqtt";
  link.closeReason ??= "session_failed";
  enter(link, "ended");
  link.socket.destroySoon();
}

export function socketClosed(link: Link): void {
  const { clientId, refusal = "hung_up", closeReason: reason = "hung_up" } = link;
  link.phase = "gone";
  if (clientId === undefined) link.context.events.connectionRefused({ reason: refusal });
  else link.context.events.connectionClosed({ clientId, reason });
}

function enter(link: Link, phase: Phase): void {
  link.phase = phase;
  link.phaseSinceMs = link.context.nowMs();
  link.flow.hold(hold.leaving);
}
