import { begins, ends, installationsOf, multiplierAt } from "../registry/installations.ts";
import type { RegisteredMeter } from "../registry/registered-meter.ts";
import { valueAt } from "../registry/usage-point.ts";

/**
 * What meters are summed by. `feeder`, `supplier` and `group` are facts of a usage point, `fleet` is all of them.
 * `measures` holds the meters that measure a feeder: what they count is counted below them too, so they are in no other
 * group.
 */
export const groupKinds = ["fleet", "feeder", "supplier", "group", "measures"] as const;
export type GroupKind = (typeof groupKinds)[number];

export const fleet = "fleet";

/** `feeder:F-12`; the fleet has no name. */
export function groupId(kind: Exclude<GroupKind, "fleet">, name: string): string {
  return `${kind}:${name}`;
}

export interface GroupName {
  readonly kind: GroupKind;
  readonly name: string;
}

/** Undefined where it is no group's id. */
export function readGroupId(id: string): GroupName | undefined {
  if (id === fleet) return { kind: fleet, name: "" };
  const end = id.indexOf(":");
  const kind = groupKinds.find((one) => one !== fleet && one === id.slice(0, end));
  const name = id.slice(end + 1);
  return kind === undefined || name === "" ? undefined : { kind, name };
}

/**
 * The groups that a meter was in at `at`, by its usage point; none while it was installed nowhere. A meter without
 * master data is in the fleet.
 */
export function groupsAt(record: RegisteredMeter | undefined, at: number): readonly string[] {
  if (record === undefined) return [fleet];
  const there = installationsOf(record).find((one) => begins(one) <= at && at < ends(one));
  if (there === undefined) return [];
  const point = record.points?.find(({ usagePointId }) => usagePointId === there.usagePointId);
  if (point === undefined) return [fleet];
  const measured = valueAt(point.measures, at);
  if (measured !== undefined && measured !== "") return [groupId("measures", measured)];
  const feeder = valueAt(point.feeder, at);
  const supplier = valueAt(point.supplier, at);
  return [
    fleet,
    ...(feeder === undefined ? [] : [groupId("feeder", feeder)]),
    ...(supplier === undefined ? [] : [groupId("supplier", supplier)]),
    ...(valueAt(point.groups, at) ?? []).map((name) => groupId("group", name)),
  ];
}

/**
 * From when on sums may differ because a meter's master data do: the first instant at which it is in other groups, or
 * counts otherwise. Undefined where they do not differ.
 */
export function regroupedFrom(
  before: RegisteredMeter | undefined,
  after: RegisteredMeter | undefined,
): number | undefined {
  const told = (record: RegisteredMeter | undefined, at: number) =>
    JSON.stringify([
      groupsAt(record, at),
      (record?.registers ?? []).map((register) => [register.register, register.unit, multiplierAt(register, at)]),
    ]);
  const times = [...new Set([0, ...turnsOf(before), ...turnsOf(after)])].sort((a, b) => a - b);
  return times.find((at) => told(before, at) !== told(after, at));
}

/** When something that is said of the meter begins or ends. */
function turnsOf(record: RegisteredMeter | undefined): readonly number[] {
  if (record === undefined) return [];
  const places = installationsOf(record).flatMap((one) => [begins(one), ends(one)]);
  const facts = (record.points ?? []).flatMap(({ feeder, supplier, groups, measures }) =>
    [feeder, supplier, groups, measures].flatMap((dated) => (dated ?? []).map(({ validFrom }) => validFrom)),
  );
  const multipliers = record.registers.flatMap(({ multipliers: dated = [] }) => dated.map((one) => one.validFrom));
  return [...places, ...facts, ...multipliers].filter((at) => Number.isFinite(at) && at >= 0);
}
