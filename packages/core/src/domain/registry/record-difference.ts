import { formatInstant } from "../time/instant.ts";
import { begins, ends, installationsOf } from "./installations.ts";
import type { Installation, MeterRecord, RegisteredRegister } from "./meter-record.ts";
import type { RegisteredMeter } from "./registered-meter.ts";

const wordsMax = 160;

/** How the reason of a revision begins to name master data. */
export const masterDataCause = "master data: ";

/**
 * What has changed in a meter's master data, in words: where it was, what is multiplied by what, and what its usage
 * point says. Undefined where nothing has that a month is made by.
 */
export function recordDifference(before: RegisteredMeter | undefined, after: RegisteredMeter): string | undefined {
  if (before === undefined) return `${masterDataCause}its first record`;
  const said = [...places(before, after), ...registers(before, after), ...supply(before, after)];
  return said.length === 0 ? undefined : `${masterDataCause}${said.join("; ")}`.slice(0, wordsMax);
}

function places(before: MeterRecord, after: MeterRecord): readonly string[] {
  const known = installationsOf(before).map((one) => JSON.stringify(one));
  const fresh = installationsOf(after).filter((one) => !known.includes(JSON.stringify(one)));
  // What a late word says of a meter's place is where it came to: that comes first.
  if (fresh.length > 0) return [...fresh].sort((a, b) => begins(b) - begins(a)).map(placeText);
  return known.length > installationsOf(after).length ? ["one of its installations was taken away"] : [];
}

function placeText(one: Installation): string {
  const from = Number.isFinite(begins(one)) ? ` from ${formatInstant(begins(one))} on` : "";
  const to = Number.isFinite(ends(one)) ? ` until ${formatInstant(ends(one))}` : "";
  return `it is at ${one.usagePointId}${from}${to}`;
}

function registers(before: MeterRecord, after: MeterRecord): readonly string[] {
  const names = [...new Set([...before.registers, ...after.registers].map(({ register }) => register))];
  return names.flatMap((name) => {
    const [was, is] = [before, after].map((record) => record.registers.find(({ register }) => register === name));
    if (JSON.stringify(was) === JSON.stringify(is)) return [];
    return [multipliersOf(was) === multipliersOf(is) ? `register ${name}` : `multiplier of ${name}`];
  });
}

function multipliersOf(register: RegisteredRegister | undefined): string {
  return JSON.stringify([register?.multiplier ?? 1, register?.multipliers ?? []]);
}

function supply(before: RegisteredMeter, after: RegisteredMeter): readonly string[] {
  const parts = {
    "its zone": ({ zone }: RegisteredMeter) => zone,
    "connection power": ({ connectionPowerW, powers }: RegisteredMeter) => [connectionPowerW, powers],
    "the status of its usage point": ({ statuses }: RegisteredMeter) => statuses,
    "times without supply": ({ outages }: RegisteredMeter) => outages,
    "its usage points": ({ points }: RegisteredMeter) =>
      points?.map(({ usagePointId, connectionPowerW, status }) => [usagePointId, connectionPowerW, status]),
  };
  const changed = Object.entries(parts)
    .filter(([, of]) => JSON.stringify(of(before)) !== JSON.stringify(of(after)))
    .map(([name]) => name);
  // What its own usage point has changed is said more plainly.
  return changed.length > 1 ? changed.filter((name) => name !== "its usage points") : changed;
}
