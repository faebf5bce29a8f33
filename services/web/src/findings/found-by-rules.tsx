import { dateTime } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { ruleAbout, ruleName } from "./rules.ts";

interface FoundByRulesProps {
  readonly findings: readonly { readonly rule: string; readonly at: string }[];
  readonly zone: string;
}

/** What the rules say of a month's row, in words. */
export function FoundByRules({ findings, zone }: FoundByRulesProps) {
  if (findings.length === 0) return null;
  return (
    <>
      <h3>{t("findings.found")}</h3>
      <ul class="found-by-rules">
        {findings.map(({ rule, at }) => (
          <li key={`${rule} ${at}`}>
            <Rule rule={rule} /> <span class="soft">{dateTime(at, zone)}.</span> {ruleAbout(rule)}
          </li>
        ))}
      </ul>
    </>
  );
}

/** Its name, and its number for those who look it up. */
export function Rule({ rule }: { rule: string }) {
  return (
    <span class="rule" title={ruleAbout(rule)}>
      <strong>{ruleName(rule)}</strong> {rule === "OPERATOR" ? null : <small class="soft">{rule}</small>}
    </span>
  );
}
