import type { Statement, Wait } from "./statement.ts";

interface Covered {
  readonly register: string;
  readonly meterId: string;
  readonly from: number;
  readonly to: number;
}

export interface CoverageInput {
  readonly span: Statement["span"];
  /** When some meter was at the point, by what is known of all times. */
  readonly placed: readonly { readonly from: number; readonly to: number }[];
  /** Where supply is cut no meter is missing. */
  readonly isSupplied: (at: number) => boolean;
}

/**
 * Where the segments of a register do not cover the point's time, or cover it twice. The point's time begins with its
 * first meter: before that nothing is missing. A register that came later, with another meter, is missing nothing
 * either.
 */
export function coverageFaults(segments: readonly Covered[], input: CoverageInput): readonly Wait[] {
  const byRegister = Map.groupBy(segments, ({ register }) => register);
  return [...gaps(segments, input), ...[...byRegister.values()].flatMap(overlapsOf)];
}

/** Time in which no meter has a segment. */
function gaps(segments: readonly Covered[], { span, placed, isSupplied }: CoverageInput): readonly Wait[] {
  if (segments.length === 0) return [];
  const began = Math.min(...placed.map(({ from }) => from), ...segments.map(({ from }) => from));
  const found: Wait[] = [];
  let covered = Math.max(span.start, began);
  const gap = (to: number) => {
    if (covered < to && isSupplied(covered))
      found.push({ reason: "no_meter", register: null, meterId: null, from: covered, to });
  };
  for (const { from, to } of [...segments].sort((a, b) => a.from - b.from)) {
    gap(from);
    covered = Math.max(covered, to);
  }
  gap(span.boundary);
  return found;
}

function overlapsOf(segments: readonly Covered[]): readonly Wait[] {
  const inOrder = [...segments].sort((a, b) => a.from - b.from);
  return inOrder.flatMap((one, index) => {
    const before = inOrder[index - 1];
    if (before === undefined || before.to <= one.from) return [];
    const { register, meterId, from, to } = one;
    return [{ reason: "overlap" as const, register, meterId, from, to: Math.min(to, before.to) }];
  });
}
