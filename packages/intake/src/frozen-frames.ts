import type { WireReading, WireReport } from "./wire-report.ts";

/** What the newest report of a meter said of its registers, and when by the meter's clock. */
interface Frame {
  readonly sentAt: number;
  readonly receivedAtMs: number;
  readonly registers: readonly WireReading[];
}

export interface FrozenFrames {
  /**
   * V16: which readings of a report repeat a frame of the meter: the same register with the same value, sent at the
   * same time by the meter's clock, in a report that was received at another time. A reading for the same instant is
   * the same report once more, and none of it. Undefined where there is none. Reports without `sentAt` are not looked
   * at, and neither are profiles, which are what a meter has buffered.
   */
  look(meterId: string, report: WireReport, receivedAtMs: number): ReadonlySet<number> | undefined;
}

/** Remembers the newest frame of the meters that have reported last; those before them are forgotten. */
export function frozenFrames(metersMax = 100_000): FrozenFrames {
  const frames = new Map<string, Frame>();

  function keep(meterId: string, frame: Frame): void {
    frames.delete(meterId);
    frames.set(meterId, frame);
    if (frames.size <= metersMax) return;
    const oldest = frames.keys().next();
    if (oldest.done !== true) frames.delete(oldest.value);
  }

  return {
    look(meterId, { sentAt, readings }, receivedAtMs) {
      if (sentAt === 0 || readings.length === 0) return undefined;
      const before = frames.get(meterId);
      keep(meterId, { sentAt, receivedAtMs, registers: readings.filter(({ kind }) => kind === 0) });
      if (before?.sentAt !== sentAt || before.receivedAtMs === receivedAtMs) return undefined;
      const newest = new Map(before.registers.map((reading) => [reading.register.text, reading]));
      const found = new Set<number>();
      readings.forEach((reading, index) => {
        const known = newest.get(reading.register.text);
        if (known !== undefined && isSame(known, reading)) found.add(index);
      });
      return found.size === 0 ? undefined : found;
    },
  };
}

function isSame(a: WireReading, b: WireReading): boolean {
  return b.kind === 0 && a.at !== b.at && a.value === b.value && a.unit === b.unit && a.exponent === b.exponent;
}
