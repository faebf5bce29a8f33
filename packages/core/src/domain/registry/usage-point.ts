/** A value and from when on it holds. */
export interface Dated<Value> {
  /** Seconds UTC; 0: since ever. */
  readonly validFrom: number;
  readonly value: Value;
}

/** `disconnected`: supply is cut, and can come back. `dead`: the place is no more. */
export const usagePointStatuses = ["connected", "disconnected", "dead"] as const;
export type UsagePointStatus = (typeof usagePointStatuses)[number];

/**
 * Whose readings count. `remote`: those that the meter reports. `remote-first`: those of people too, where the meter is
 * silent. `manual`: people read it.
 */
export const readingPolicies = ["remote", "remote-first", "manual"] as const;
export type ReadingPolicy = (typeof readingPolicies)[number];

/** What is known of a place of supply at one moment. */
export interface UsagePointFacts {
  /** IANA. A place does not move: it has one, for all time. */
  readonly zone: string;
  readonly connectionPowerW: number;
  readonly feeder: string;
  readonly supplier: string;
  readonly groups: readonly string[];
  readonly status: UsagePointStatus;
  readonly readingPolicy: ReadingPolicy;
  /** The feeder whose whole supply the meter here counts; empty: none any more. */
  readonly measures: string;
}

export const factNames = [
  "zone",
  "connectionPowerW",
  "feeder",
  "supplier",
  "groups",
  "status",
  "readingPolicy",
  "measures",
] as const satisfies readonly (keyof UsagePointFacts)[];
export type FactName = (typeof factNames)[number];

/** Each fact by the time from which it holds; none where nobody has said. */
export type DatedFacts = { readonly [Name in FactName]?: readonly Dated<UsagePointFacts[Name]>[] };

/** Master data of a place of supply. It survives its meters. */
export interface UsagePointRecord extends DatedFacts {
  readonly usagePointId: string;
}

/** The value in force at `at`; undefined before the first one. */
export function valueAt<Value>(dated: readonly Dated<Value>[] | undefined, at: number): Value | undefined {
  return dated?.findLast(({ validFrom }) => validFrom <= at)?.value;
}

/** All facts in force at `at`. */
export function factsAt(record: UsagePointRecord, at: number): Partial<UsagePointFacts> {
  const facts = factNames.map((name) => [name, valueAt<unknown>(record[name], at)] as const);
  return Object.fromEntries(facts.filter(([, value]) => value !== undefined)) as Partial<UsagePointFacts>;
}

/** In the order of time, as a record holds them. */
export function inOrder<Value>(dated: readonly Dated<Value>[]): readonly Dated<Value>[] {
  return [...dated].sort((a, b) => a.validFrom - b.validFrom);
}
