export interface SettingProblem {
  readonly name: string;
  /** Undefined when the setting is missing or unknown (a misspelt name may carry a secret). */
  readonly value: string | undefined;
  /** What would have been right, as a phrase. */
  readonly expected: string;
}
