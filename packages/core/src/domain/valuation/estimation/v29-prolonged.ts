import type { Finding } from "../../snapshot/finding.ts";

/** So long a month may be estimated before somebody should look. */
const prolongedSecondsMin = 60 * 86_400;

/** V29: nothing was read for more than 60 days. */
export function prolonged(
  findings: readonly Finding[],
  { last, at }: { readonly last: number | undefined; readonly at: number },
): readonly Finding[] {
  if (last === undefined || at - last <= prolongedSecondsMin) return findings;
  return [...findings, { rule: "V29", at }];
}
