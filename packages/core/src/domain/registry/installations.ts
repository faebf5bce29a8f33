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

/** From when on, in seconds UTC; an installation whose begin nobody knows was always there. */
export function begins({ installed }: Installation): number {
  return installed?.at ?? Number.NEGATIVE_INFINITY;
}

/** Until when; an installation that goes on has no end. */
export function ends({ removed }: Installation): number {
  return removed?.at ?? Number.POSITIVE_INFINITY;
}

export function overlaps(a: Installation, b: Installation): boolean {
  return begins(a) < ends(b) && begins(b) < ends(a);
}

/** Where the meter was at `at`; undefined while it was nowhere. */
export function installationAt(record: MeterRecord, at: number): Installation | undefined {
  return installationsOf(record).find((one) => begins(one) <= at && at < ends(one));
}

/** The points where the meter is or was, each once. */
export function pointsOf(record: MeterRecord): readonly string[] {
  return [...new Set(installationsOf(record).map(({ usagePointId }) => usagePointId))];
}

/** The record with these installations, which are in order and not empty. */
export function withInstallations(record: MeterRecord, installations: readonly Installation[]): MeterRecord {
  const newest = installations.at(-1);
  if (newest === undefined) throw new Error("a meter is at some usage point");
  const { installed: _i, removed: _r, earlier: _e, usagePointId: _u, ...rest } = record;
  const earlier = installations.slice(0, -1);
  return { ...rest, ...newest, ...(earlier.length === 0 ? {} : { earlier }) };
}

export function multiplierAt({ multiplier = 1, multipliers = [] }: RegisteredRegister, at: number): number {
  return multipliers.findLast(({ validFrom }) => validFrom <= at)?.multiplier ?? multiplier;
}
