import type { ExpectedMeter, ExpectedRow } from "./vector.ts";

/** A row as the API shows it, or as the engine makes it. */
export type FoundRow = Readonly<Record<string, unknown>>;

/** What differs between the rows of one month and the expected ones, in words; empty where nothing does. */
export function differences(expected: readonly ExpectedRow[] | null, found: readonly FoundRow[] | null): string[] {
  if (expected === null) return found === null ? [] : [`no snapshot may stand, there is ${JSON.stringify(found)}`];
  if (found === null) return ["there is no snapshot"];
  if (expected.length !== found.length) {
    return [`${expected.length} rows were expected, there are ${found.length}: ${JSON.stringify(found)}`];
  }
  return expected.flatMap((row, index) => differentFields(row, found[index] as FoundRow));
}

function differentFields(expected: ExpectedRow, found: FoundRow): string[] {
  return Object.entries(expected)
    .filter(([name, value]) => !isAsExpected(value, found[name]))
    .map(([name, value]) => `${name}: ${JSON.stringify(value)} was expected, there is ${JSON.stringify(found[name])}`);
}

interface Matcher {
  readonly about?: number;
  readonly oneOf?: readonly unknown[];
  readonly contains?: ExpectedRow;
  readonly named?: string;
}

function isAsExpected(expected: unknown, found: unknown): boolean {
  if (typeof expected !== "object" || expected === null) return Object.is(expected, found);
  const { about, oneOf, contains, named } = expected as Matcher;
  if (named !== undefined) return typeof found === "string" && (found === named || found.endsWith(`-${named}`));
  if (about !== undefined) return typeof found === "number" && Math.abs(found - about) <= 1;
  if (oneOf !== undefined) return oneOf.includes(found);
  if (contains !== undefined) {
    return Array.isArray(found) && found.some((one) => differentFields(contains, one as FoundRow).length === 0);
  }
  return typeof found === "object" && found !== null && differentFields(expected as ExpectedRow, found as FoundRow).length === 0;
}

/** By month, of one meter. */
export type FoundMonths = ReadonlyMap<string, readonly FoundRow[] | null>;

/** All that differs of one meter's months and their sums. */
export function differentMonths({ months = {}, sums = [] }: ExpectedMeter, found: FoundMonths): string[] {
  const ofMonths = Object.entries(months).flatMap(([month, rows]) =>
    differences(rows, found.get(month) ?? null).map((text) => `${month} ${text}`),
  );
  const ofSums = sums.flatMap(({ months: names, consumption }) => {
    const amounts = names.map((month) => found.get(month)?.[0]?.["consumption"]);
    const sum = amounts.reduce<number>((total, one) => total + (typeof one === "number" ? one : Number.NaN), 0);
    if (sum === consumption) return [];
    return [`${names.join(" + ")}: ${consumption} was expected, there is ${amounts.join(" + ")}`];
  });
  return [...ofMonths, ...ofSums];
}

/** The months that a meter's expectations name. */
export function monthsNamed({ months = {}, sums = [], unchanged = [], reasons = {} }: ExpectedMeter): string[] {
  const named = [...Object.keys(months), ...sums.flatMap((one) => one.months), ...unchanged, ...Object.keys(reasons)];
  return [...new Set(named)].sort();
}
