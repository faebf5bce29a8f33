import { isMessage, t } from "../language/language.ts";

/** All that findings are listed by; a test holds them to the engine's. */
export const rules = [
  ...["V03", "V09", "V10", "V12", "V13", "V14", "V15", "V16", "V17", "V18", "V19", "V20", "V21", "V22", "V23", "V24"],
  ...["V25", "V27", "V29", "OPERATOR"],
] as const;

/** Those that are about a reading at their instant. The others are about a month. */
const ofReadings: ReadonlySet<string> = new Set([
  "V03",
  "V09",
  "V10",
  "V12",
  "V13",
  "V14",
  "V15",
  "V16",
  "V17",
  "V18",
  "V24",
  "V25",
  "OPERATOR",
]);
const ofRegisters: ReadonlySet<string> = new Set(["V13", "V14", "V15", "V16"]);

/** Whether a rule may mean a reading of that kind. */
export function meansReading(rule: string, kind: string): boolean {
  return ofReadings.has(rule) && (kind === "register" ? rule !== "V18" : !ofRegisters.has(rule));
}

/** A newer API may have more. */
export function ruleName(rule: string): string {
  const known = `rule.${rule}`;
  return isMessage(known) ? t(known) : rule;
}

export function ruleAbout(rule: string): string {
  const known = `rule.${rule}.about`;
  return isMessage(known) ? t(known) : "";
}
