/** The thresholds of a month's rules that a group may have of its own, by their names, each with its range. */
export const monthRules = {
  V13_GLITCH_READINGS_MAX: { min: 1, max: 20 },
  V14_WRAPS_FROM_PERCENT: { min: 1, max: 100 },
  V17_CEILING_PERCENT: { min: 100, max: 1000 },
  V17_CONNECTION_W: { min: 1, max: 1_000_000_000 },
  V18_SPIKE_PERCENT: { min: 1, max: 100_000 },
  V18_FLOOR_W: { min: 1, max: 1_000_000_000 },
  V19_LOW_PERCENT: { min: 0, max: 100 },
  V19_HIGH_PERCENT: { min: 100, max: 100_000 },
  V19_DIFFERENCE_WH: { min: 0, max: 1_000_000_000 },
  V20_PER_MILLE: { min: 0, max: 1000 },
  V23_ZERO_USE_DAYS: { min: 1, max: 366 },
} as const satisfies Record<string, { readonly min: number; readonly max: number }>;

export type MonthRule = keyof typeof monthRules;
export type MonthRules = Partial<Record<MonthRule, number>>;

const groupName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const groupsMax = 100;

/** `industry V18_FLOOR_W=50000 V17_CEILING_PERCENT=150; farms V23_ZERO_USE_DAYS=60`, and all that is wrong with it. */
export function groupRules(list: string): {
  readonly groups: ReadonlyMap<string, MonthRules>;
  readonly problems: readonly string[];
} {
  const groups = new Map<string, MonthRules>();
  const problems: string[] = [];
  const entries = list.split(";").map((entry) => entry.trim().split(/\s+/));
  for (const [name = "", ...values] of entries) {
    if (!groupName.test(name)) problems.push(`${JSON.stringify(name.slice(0, 64))} is no name of a group`);
    else if (groups.has(name)) problems.push(`${name} comes twice`);
    if (values.length === 0) problems.push(`${name.slice(0, 64)} has no thresholds`);
    const rules: MonthRules = {};
    for (const value of values) {
      const wrong = take(rules, value);
      if (wrong !== undefined) problems.push(`${name.slice(0, 64)}: ${wrong}`);
    }
    groups.set(name, rules);
  }
  if (groups.size > groupsMax) problems.push(`at most ${groupsMax} groups`);
  return { groups, problems };
}

function take(rules: MonthRules, text: string): string | undefined {
  const [, name = "", value = ""] = /^([A-Z0-9_]{1,40})=(\d{1,10})$/.exec(text) ?? [];
  if (!Object.hasOwn(monthRules, name)) return `${text.slice(0, 60)} is no NAME=number of a threshold that there is`;
  const rule = name as MonthRule;
  const { min, max } = monthRules[rule];
  if (Number(value) < min || Number(value) > max) return `${name} is a whole number from ${min} to ${max}`;
  if (rules[rule] !== undefined) return `${name} comes twice`;
  rules[rule] = Number(value);
  return undefined;
}
