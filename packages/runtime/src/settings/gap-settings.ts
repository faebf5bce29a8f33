import type { ReadSettings } from "./setting-schema.ts";

/** How gaps are looked for, and meters asked for what is missing. */
export interface GapSettings {
  readonly lookMs: number;
  readonly silentSeconds: number;
  readonly waitMs: number;
  readonly backOffMs: number;
  readonly timesMax: number;
  readonly asksPerSecond: number;
}

export function gapsFrom(read: ReadSettings): GapSettings {
  return {
    lookMs: read.METERBOOK_GAP_LOOK_SECONDS * 1000,
    silentSeconds: read.METERBOOK_GAP_SILENT_SECONDS,
    waitMs: read.METERBOOK_GAP_WAIT_SECONDS * 1000,
    backOffMs: read.METERBOOK_GAP_BACK_OFF_SECONDS * 1000,
    timesMax: read.METERBOOK_GAP_ASKS_MAX,
    asksPerSecond: read.METERBOOK_GAP_ASKS_PER_SECOND,
  };
}
