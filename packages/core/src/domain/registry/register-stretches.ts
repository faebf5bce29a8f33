import { begins, ends, installationsOf } from "./installations.ts";
import type { Installation, MeterRecord } from "./meter-record.ts";

/** A time in which one register was at one usage point and counted with one multiplier. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly installation: Installation;
  /** The installations whose readings are one line with those of this one. */
  readonly chain: Chain;
  /** What the register showed where the time before it ended it shows where this one begins. */
  readonly isJoined: boolean;
}

/** Installations that follow each other without a break, and whose values do not contradict each other. */
export interface Chain {
  readonly installations: readonly Installation[];
  /** What the master data say of the moves between them, by time. */
  readonly known: readonly KnownValue[];
}

export interface KnownValue {
  readonly at: number;
  readonly value: number;
}

/** The stretches of a register within some time, ascending; empty where the meter was nowhere. */
export function stretchesOf(
  record: MeterRecord,
  register: string,
  { start, boundary }: { readonly start: number; readonly boundary: number },
): readonly Stretch[] {
  const changes = record.registers.find((one) => one.register === register)?.multipliers ?? [];
  return chainsOf(installationsOf(record), register).flatMap((chain) =>
    chain.installations.flatMap((installation, index) => {
      const from = Math.max(start, begins(installation));
      const to = Math.min(boundary, ends(installation));
      if (from >= to) return [];
      const inner = changes.map(({ validFrom }) => validFrom).filter((at) => at > from && at < to);
      const bounds = [from, ...inner, to];
      return bounds.slice(1).map((end, part): Stretch => {
        const isJoined = part > 0 || index > 0 || begins(installation) < start;
        return { from: bounds[part] as number, to: end, installation, chain, isJoined };
      });
    }),
  );
}

export function chainsOf(installations: readonly Installation[], register: string): readonly Chain[] {
  const chains: { installations: Installation[]; known: KnownValue[] }[] = [];
  for (const next of installations) {
    const chain = chains.at(-1);
    const before = chain?.installations.at(-1);
    if (chain === undefined || before === undefined || !goesOn(before, next, register)) {
      chains.push({ installations: [next], known: [] });
      continue;
    }
    chain.installations.push(next);
    const value = before.removed?.values[register] ?? next.installed?.values[register];
    if (value !== undefined) chain.known.push({ at: begins(next), value });
  }
  return chains;
}

/** A meter that is taken from one place and put at another at once counts on. */
function goesOn(before: Installation, next: Installation, register: string): boolean {
  if (ends(before) !== begins(next)) return false;
  const [left, came] = [before.removed?.values[register], next.installed?.values[register]];
  return left === undefined || came === undefined || left === came;
}
