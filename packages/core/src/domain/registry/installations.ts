import type { Installation, MeterRecord, RegisteredRegister } from "./meter-record.ts";

/** All installations of a meter, the oldest first. */
export function installationsOf(record: MeterRecord): readonly Installation[] {
  return [...(record.earlier ?? []), newestOf(record)];
}

/** The installation that the record names itself. */
export function newestOf({ usagePointId, installed, removed }: MeterRecord): Installation {
  return {
    usagePointId,
    ...(installed === undefined ? {} : { installed }),
    ...(removed === undefined ? {} : { removed }),
  };
}

/** The points where the meter is or was, each once. */
export function pointsOf(record: MeterRecord): readonly string[] {
  return [...new Set(installationsOf(record).map(({ usagePointId }) => usagePointId))];
}

export function multiplierAt({ multiplier = 1, multipliers = [] }: RegisteredRegister, at: number): number {
  return multipliers.findLast(({ validFrom }) => validFrom <= at)?.multiplier ?? multiplier;
}
