/** The rules that the engine judges by; each has its file in `judge/` and its row in docs/validation.md. */
export const judgedRules = ["V03", "V12", "V13", "V14", "V15", "V17", "V20", "V23", "V24"] as const;
export type RuleCode = (typeof judgedRules)[number];

/** That a rule has something to say of the reading at `at`. */
export interface Finding {
  readonly rule: RuleCode;
  /** Seconds UTC. */
  readonly at: number;
}

/** Of one row. What is beyond them says nothing that these do not. */
export const findingsMax = 20;
