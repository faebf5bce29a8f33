import type { Subscription } from "./readings-log.ts";

/** What an operator asks of the aggregators, in order with each other. */
export type Command = { readonly kind: "close-period"; readonly period: number };

/**
 * Operator commands, from any API process to every aggregator.
 *
 * Promises (test/contracts/commands.contract.ts): `send` resolves when every aggregator that is up has carried the
 * command out, with what they did; it rejects when none answered in `timeoutMs`. A command is not replayed.
 */
export interface Commands {
  send(command: Command, options: { timeoutMs: number }): Promise<CommandOutcome>;
  serve(carryOut: (command: Command) => Promise<CommandOutcome>): Promise<Subscription>;
}

export interface CommandOutcome {
  /** Meters that were recomputed. */
  readonly evaluated: number;
  /** Snapshot revisions that this made. */
  readonly issued: number;
}
