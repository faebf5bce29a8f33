import type { AskRules } from "@meterbook/core/domain/gap/ask-for-gaps";

/** How gaps are looked for and asked for. */
export interface GapRules extends AskRules {
  /** Between the end of a look and the next. */
  readonly lookMs: number;
  /** So long after its last reading a meter is silent. */
  readonly silentSeconds: number;
  /** Meters that are asked in a second, all partitions together; 0 asks nobody. */
  readonly asksPerSecond: number;
}
