/**
 * How much room there is for what is in flight. `tight`: connections with much in flight are not read from. `none`: no
 * connection is read from.
 */
export type Room = "free" | "tight" | "none";

/** Counts what all connections have handed to `take` and what has not settled, and says when it is too much. */
export interface InboundBudget {
  add(bytes: number): void;
  remove(bytes: number): void;
  messages(): number;
  room(): Room;
  /**
   * `again` is called when there is more room, until the wait is forgotten. Those that wait are asked in turn, while
   * there is room.
   */
  wait(again: () => void): void;
  forget(again: () => void): void;
}

export interface BudgetOptions {
  /** Half of it makes it tight. */
  readonly bytesMax: number;
  /** So many make it tight: what comes then waits longer than its own write takes. */
  readonly messagesMax: number;
  /** From now on there is none. */
  readonly none: () => void;
  readonly schedule?: (run: () => void) => void;
}

/** How many of those that wait are asked in one turn of the event loop. */
const askedAtOnceMax = 4;

/** It comes back when what is in flight has fallen to half of what had been too much. */
export function inboundBudget({ bytesMax, messagesMax, none, schedule = setImmediate }: BudgetOptions): InboundBudget {
  const waiting = new Set<() => void>();
  let bytes = 0;
  let messages = 0;
  let room: Room = "free";
  let scheduled = false;
  /** Of those that wait, for the room that there is now. */
  let toAsk = 0;

  function roomNow(): Room {
    const share = bytes / bytesMax;
    if (share > 1 || (room === "none" && share > 0.5)) return "none";
    const load = Math.max(2 * share, messages / messagesMax);
    return load > 1 || (room !== "free" && load > 0.5) ? "tight" : "free";
  }

  /** Answers whether there is more or less room than before. */
  function look(): boolean {
    const before = room;
    room = roomNow();
    if (room === before) return false;
    if (room === "none") none();
    else if (before !== "free") {
      toAsk = waiting.size;
      askSome();
    }
    return true;
  }

  /**
   * The connections that go on may fill all of the room again, once their messages have come. So others follow a moment
   * later.
   */
  function askSome(): void {
    for (const again of firstWaiting(Math.min(askedAtOnceMax, toAsk))) {
      if (room === "none") return;
      ask(again);
    }
    if (toAsk === 0 || waiting.size === 0 || scheduled) return;
    scheduled = true;
    schedule(() => {
      scheduled = false;
      askSome();
    });
  }

  /** Gathered before any is asked, who may come to wait again. */
  function firstWaiting(count: number): (() => void)[] {
    const some: (() => void)[] = [];
    if (count === 0) return some;
    for (const again of waiting) if (some.push(again) === count) break;
    return some;
  }

  function ask(again: () => void): void {
    // Who is asked by itself may have come to wait after those that were counted.
    toAsk = Math.max(0, toAsk - 1);
    waiting.delete(again);
    again();
  }

  return {
    add(added) {
      bytes += added;
      messages += 1;
      look();
    },
    remove(removed) {
      bytes -= removed;
      messages -= 1;
      if (look() || room !== "tight") return;
      // Others may keep it tight for ever: who has come to have little in flight goes on.
      for (const again of firstWaiting(1)) ask(again);
    },
    messages: () => messages,
    room: () => room,
    wait: (again) => void waiting.add(again),
    forget: (again) => void waiting.delete(again),
  };
}
