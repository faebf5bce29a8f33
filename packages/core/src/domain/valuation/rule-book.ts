import type { RegisteredMeter } from "../registry/registered-meter.ts";
import { valueAt } from "../registry/usage-point.ts";
import { type ValuationRules, valuationRules } from "./valuation-rules.ts";

/** The thresholds that hold: the usual ones, and those of groups of usage points, by the group's name. */
export interface RuleBook {
  readonly usual: ValuationRules;
  readonly ofGroups: ReadonlyMap<string, ValuationRules>;
}

export const usualRules: RuleBook = { usual: valuationRules, ofGroups: new Map() };

/**
 * Those of the first group of the meter's newest usage point that has any. The group that it is in now counts for all
 * of its months: a threshold is how we judge, not what was.
 */
export function rulesOfMeter({ usual, ofGroups }: RuleBook, meter: RegisteredMeter | undefined): ValuationRules {
  if (ofGroups.size === 0 || meter === undefined) return usual;
  const point = meter.points?.find(({ usagePointId }) => usagePointId === meter.usagePointId);
  const groups = valueAt(point?.groups, Number.POSITIVE_INFINITY) ?? [];
  const group = groups.find((one) => ofGroups.has(one));
  return (group === undefined ? undefined : ofGroups.get(group)) ?? usual;
}
