/** What kinds of difference there are, in the order of the table. */
export const checks = {
  settled: "everything is settled",
  conservation: "received = stored + duplicates + conflicts + rejected + in flight",
  counts: "the counts are those of what was sent",
  stored: "what was acknowledged is stored",
  phantom: "nothing is stored that was not sent",
  value: "the first value that came is kept",
  quality: "readings and snapshots have the quality of their inputs",
  conflict: "conflicts are listed",
  snapshot: "every month has its snapshot of each register",
  boundary: "values at month ends are right",
  method: "the method is the best that the readings allow",
  opening: "openings are the closings before",
  consumption: "consumption is value minus opening",
} as const;
export type Check = keyof typeof checks;

export interface Difference {
  readonly check: Check;
  readonly where: string;
  readonly what: string;
}

/** What a check looked at and what it found wrong. */
export interface Findings {
  /** Something was compared. */
  looked(check: Check, times?: number): void;
  /** It differs. */
  differs(check: Check, where: string, what: string): void;
  /** In the order of the table, of each check up to a thousand. */
  readonly differences: readonly Difference[];
  /** Some of them, of each check as many as of the others while there are so many. */
  some(limit: number): readonly Difference[];
  readonly total: number;
  table(): string;
}

const differencesMax = 1000;

export function openFindings(): Findings {
  const looks = new Map<Check, number>();
  const wrongs = new Map<Check, number>();
  const differences = new Map<Check, Difference[]>();
  let total = 0;
  return {
    looked: (check, times = 1) => void looks.set(check, (looks.get(check) ?? 0) + times),
    differs(check, where, what) {
      total += 1;
      wrongs.set(check, (wrongs.get(check) ?? 0) + 1);
      const kept = differences.get(check) ?? [];
      differences.set(check, kept);
      if (kept.length < differencesMax) kept.push({ check, where, what });
    },
    get differences() {
      return inOrder(differences).flat();
    },
    some(limit) {
      const lists = inOrder(differences);
      const longest = Math.max(0, ...lists.map(({ length }) => length));
      const turns = Array.from({ length: longest }, (_, turn) => lists.flatMap((list) => list[turn] ?? []));
      return turns.flat().slice(0, limit);
    },
    get total() {
      return total;
    },
    table() {
      const rows = (Object.keys(checks) as Check[]).map((check) => {
        const looked = looks.get(check) ?? 0;
        const wrong = wrongs.get(check) ?? 0;
        const verdict = wrong > 0 ? "DIFFERS" : looked > 0 ? "right" : "-";
        return `${checks[check].padEnd(68)}${String(looked).padStart(10)}${String(wrong).padStart(12)}  ${verdict}`;
      });
      return [`${"".padEnd(68)}${"compared".padStart(10)}${"differences".padStart(12)}`, ...rows].join("\n");
    },
  };
}

function inOrder(differences: ReadonlyMap<Check, Difference[]>): Difference[][] {
  return (Object.keys(checks) as Check[]).map((check) => differences.get(check) ?? []);
}
