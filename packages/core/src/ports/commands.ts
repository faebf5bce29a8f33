import type { Subscription } from "./readings-log.ts";

/** What an operator asks of the aggregators, in order with each other. */
export type Command = { readonly kind: "close-period"; readonly period: number };

/**
 * Operator commands, from any API process to every aggregator.
 *
 * Promises (test/contracts/commands.contract.ts): `send` resolves when the command was carried out for every partition of
 * the readings log, with what that did in all; it rejects with the reason when an aggregator failed, and when after
 * `timeoutMs` some partition has not answered. A command is not replayed.
 */
export interface Commands {
  send(command: Command, options: { timeoutMs: number }): Promise<CommandOutcome>;
  serve(carryOut: (command: Command) => Promise<CarriedOut>): Promise<Subscription>;
}

export interface CommandOutcome {
  /** Meters that were recomputed. */
  readonly evaluated: number;
  /** Snapshot revisions that this made, of any period. */
  readonly issued: number;
  /** Meters of which this made a revision of the period that was asked for. */
  readonly inPeriod: number;
  /** Meters that are named as damaged and of which nothing is issued until that is mended. */
  readonly heldBack: number;
  /** Meters that still wait to be recomputed. */
  readonly waiting: number;
}

/** What one aggregator did, for the partitions that were its own. */
export interface CarriedOut extends CommandOutcome {
  readonly partitions: readonly number[];
}
