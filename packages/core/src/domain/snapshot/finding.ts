/**
 * The rules that the engine judges by, in the order of their numbers in records; each has its row in
 * docs/validation.md.
 */
export const judgedRules = [
  "V03",
  "V09",
  "V10",
  "V12",
  "V13",
  "V14",
  "V15",
  "V16",
  "V17",
  "V18",
  "V19",
  "V20",
  "V21",
  "V22",
  "V23",
  "V24",
  "V25",
  "V27",
  "V29",
  "OPERATOR",
] as const;
export type RuleCode = (typeof judgedRules)[number];

/** That a rule has something to say of the reading at `at`. */
export interface Finding {
  readonly rule: RuleCode;
  /** Seconds UTC. */
  readonly at: number;
}

/** Of one row. What is beyond them says nothing that these do not. */
export const findingsMax = 20;

/** Those of readings within some time, as many as a row shows. */
export function findingsWithin(
  findings: readonly Finding[],
  { from, to }: { readonly from: number; readonly to: number },
): readonly Finding[] {
  if (findings.length === 0) return noFindings;
  return findings.filter(({ at }) => at > from && at <= to).slice(0, findingsMax);
}

const noFindings: readonly Finding[] = [];

/** A reading of which such a rule has something to say takes no part in a billed value. */
const doubts: ReadonlySet<RuleCode> = new Set(["V09", "V10", "V13", "V15", "V17", "V24", "V25", "OPERATOR"]);

export function isDoubt(rule: RuleCode): boolean {
  return doubts.has(rule);
}
