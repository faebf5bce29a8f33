import type { Clock } from "./clock.ts";
import type { CarriedOut, Command, CommandOutcome } from "./commands.ts";
import type { Subscription } from "./readings-log.ts";

/** A command on its way to the aggregators. */
export interface AskedCommand {
  readonly id: string;
  readonly command: Command;
  /** Nobody waits for it any more: an aggregator that meets it later leaves it alone. */
  readonly expiresAtMs: number;
}

/** What one aggregator says to one command. */
export type CommandReply = {
  /** Of the command. */
  readonly id: string;
  /** The aggregator; its first reply to a command counts, each time that it is asked. */
  readonly from: string;
} & ({ readonly kind: "done"; readonly carriedOut: CarriedOut } | { readonly kind: "failed"; readonly detail: string });

/** The side that asks: commands that were sent, until every partition of the readings log has answered. */
export interface CommandAsking {
  /**
   * Ends with what all of them did, with the first failure, or after `timeoutMs` with the partitions that are silent. While some are, it
   * is asked again from time to time: the owner that was asked may be gone, and another have its partitions.
   */
  ask(
    command: Command,
    timeoutMs: number,
    publish: (asked: AskedCommand) => Promise<void> | void,
  ): Promise<CommandOutcome>;
  /** Replies to what others have asked are let pass. */
  take(reply: CommandReply): void;
}

const underWayMax = 100;
/** What an aggregator has carried out takes it no time to carry out again. */
const askAgainMs = 20_000;

export function commandAsking(partitions: number, clock: Clock, againMs = askAgainMs): CommandAsking {
  const underWay = new Map<string, (reply: CommandReply) => void>();
  let asks = 0;
  return {
    async ask(command, timeoutMs, publish) {
      if (asks >= underWayMax) throw new Error(`${underWayMax} commands are under way; ask again later`);
      asks += 1;
      const answers = gatherAnswers(partitions);
      const expiresAtMs = clock.nowMs() + timeoutMs;
      const ids: string[] = [];
      // Another id each time, because an aggregator answers each only once.
      async function askOnce(): Promise<void> {
        const id = crypto.randomUUID();
        ids.push(id);
        underWay.set(id, answers.add);
        await publish({ id, command, expiresAtMs });
      }
      const timer = setTimeout(() => answers.giveUp(timeoutMs), timeoutMs);
      const again = setInterval(() => void askOnce().catch(() => undefined), againMs);
      try {
        askOnce().catch(answers.fail);
        return await answers.outcome;
      } finally {
        clearTimeout(timer);
        clearInterval(again);
        for (const id of ids) underWay.delete(id);
        asks -= 1;
      }
    },
    take: (reply) => underWay.get(reply.id)?.(reply),
  };
}

/** Answers to one command. */
function gatherAnswers(partitions: number) {
  const settled = Promise.withResolvers<CommandOutcome>();
  const silent = new Set(Array.from({ length: partitions }, (_, partition) => partition));
  const heard = new Set<string>();
  const done = { evaluated: 0, issued: 0, inPeriod: 0 };
  /** How things stand with each aggregator, as of its last answer. */
  const left = new Map<string, Pick<CommandOutcome, "heldBack" | "waiting">>();
  return {
    outcome: settled.promise,
    fail: settled.reject,
    giveUp(afterMs: number) {
      settled.reject(new Error(`no aggregator has answered for ${partitionNames([...silent])} within ${afterMs} ms`));
    },
    add(reply: CommandReply) {
      const one = `${reply.id} ${reply.from}`;
      if (heard.has(one)) return;
      heard.add(one);
      if (reply.kind === "failed") return settled.reject(new Error(`an aggregator failed: ${reply.detail}`));
      const { partitions: answered, evaluated, issued, inPeriod, heldBack, waiting } = reply.carriedOut;
      done.evaluated += evaluated;
      done.issued += issued;
      done.inPeriod += inPeriod;
      left.set(reply.from, { heldBack, waiting });
      for (const partition of answered) silent.delete(partition);
      if (silent.size > 0) return;
      const sum = (of: "heldBack" | "waiting") => [...left.values()].reduce((total, one) => total + one[of], 0);
      settled.resolve({ ...done, heldBack: sum("heldBack"), waiting: sum("waiting") });
    },
  };
}

/** `partition 4`, `partitions 0 to 3, 7`: the numbers ascend. */
function partitionNames(numbers: readonly number[]): string {
  const runs: { first: number; last: number }[] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run?.last === number - 1) run.last = number;
    else runs.push({ first: number, last: number });
  }
  const names = runs.map(({ first, last }) => (first === last ? `${first}` : `${first} to ${last}`));
  return `${numbers.length === 1 ? "partition" : "partitions"} ${names.join(", ")}`;
}

/** The side that carries out: one command after the other, each once, however often it comes. */
export interface CommandServing extends Subscription {
  take(asked: AskedCommand): void;
}

const waitingMax = 100;
const rememberedMax = 1000;

/** `close` begins nothing more. What is being carried out may wait for a store that is away, so it is not waited for. */
export function commandServing(
  carryOut: (command: Command) => Promise<CarriedOut>,
  say: (reply: CommandReply) => Promise<void> | void,
  clock: Clock,
): CommandServing {
  const from = crypto.randomUUID();
  const seen = new Set<string>();
  let waiting = 0;
  let closed = false;
  let last = Promise.resolve();

  async function answer({ id, command, expiresAtMs }: AskedCommand): Promise<void> {
    waiting -= 1;
    if (closed || clock.nowMs() > expiresAtMs) return;
    try {
      await say({ id, from, kind: "done", carriedOut: await carryOut(command) });
    } catch (error) {
      await say({ id, from, kind: "failed", detail: error instanceof Error ? error.message : String(error) });
    }
  }

  function isNew(id: string): boolean {
    if (seen.has(id)) return false;
    seen.add(id);
    const [oldest] = seen;
    if (oldest !== undefined && seen.size > rememberedMax) seen.delete(oldest);
    return true;
  }

  return {
    take(asked) {
      if (closed || !isNew(asked.id)) return;
      if (waiting >= waitingMax) {
        const detail = `${waitingMax} commands wait already`;
        void Promise.resolve(say({ id: asked.id, from, kind: "failed", detail })).catch(() => undefined);
        return;
      }
      waiting += 1;
      last = last.then(() => answer(asked)).catch(() => undefined);
    },
    async close() {
      closed = true;
    },
  };
}
