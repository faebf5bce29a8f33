import { AdapterError } from "@meterbook/core/ports/adapter-error";

/** What becomes of a call of a port. */
export type Fate = "done" | "fails before" | "fails after";

/** Carries out the work of a call, when and if that is its fate. */
export type Through = <Answer>(name: string, work: () => Promise<Answer>) => Promise<Answer>;

/** A call that was made and waits for its turn. */
export interface HeldCall {
  /** Whose call it is. */
  readonly owner: string;
  readonly name: string;
  /** Lets it go on. */
  pass(fate: Fate): void;
}

/** Holds up calls of ports, so that somebody else says when each is carried out and what becomes of it. */
export interface HeldCalls {
  readonly waiting: readonly HeldCall[];
  /** How many calls have been made. */
  readonly calls: number;
  /** Calls of this owner are answered no more. */
  kill(owner: string): void;
  /** From now on calls wait, or go through at once. */
  hold(isHeld: boolean): void;
  through<Answer>(owner: string, name: string, work: () => Promise<Answer>): Promise<Answer>;
}

export function heldCalls(): HeldCalls {
  const waiting: HeldCall[] = [];
  const dead = new Set<string>();
  let isHeld = true;
  let calls = 0;
  return {
    waiting,
    get calls() {
      return calls;
    },
    kill(owner) {
      dead.add(owner);
      for (let at = waiting.length - 1; at >= 0; at -= 1) if (waiting[at]?.owner === owner) waiting.splice(at, 1);
    },
    hold(held) {
      isHeld = held;
      if (!held) for (const call of [...waiting]) call.pass("done");
    },
    async through(owner, name, work) {
      calls += 1;
      const never = new Promise<never>(() => undefined);
      if (dead.has(owner)) return never;
      const fate = isHeld ? await turn(owner, name) : "done";
      if (dead.has(owner)) return never;
      if (fate === "fails before") throw failure(name);
      const answer = await work();
      // Whoever is killed now has done it, and hears of nothing.
      if (dead.has(owner)) return never;
      if (fate === "fails after") throw failure(name);
      return answer;
    },
  };

  function turn(owner: string, name: string): Promise<Fate> {
    const { promise, resolve } = Promise.withResolvers<Fate>();
    const call: HeldCall = {
      owner,
      name,
      pass(fate) {
        waiting.splice(waiting.indexOf(call), 1);
        resolve(fate);
      },
    };
    waiting.push(call);
    return promise;
  }
}

function failure(name: string): AdapterError {
  return new AdapterError("store_write_failed", { retryable: true, detail: `${name}, by the walk` });
}
