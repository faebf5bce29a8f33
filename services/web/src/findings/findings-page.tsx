import { useLocation } from "preact-iso";
import { api, ask, type Schemas } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { monthName } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { Choice } from "../look/choice.tsx";
import { may } from "../session/session.ts";
import { usePageTitle } from "../shell/page-title.ts";
import { ConflictList } from "./conflict-list.tsx";
import { FindingList } from "./finding-list.tsx";
import { ruleName, rules } from "./rules.ts";

type Rule = Schemas["Finding"]["rule"];

/** What is chosen, as the address says it. */
interface Chosen {
  readonly rule: string;
  readonly period: string;
  readonly group: string;
}

const groupsMax = 500;

/** All findings of the fleet, by rule, month and group. */
export function FindingsPage() {
  usePageTitle(t("nav.findings"));
  const { query, route } = useLocation();
  const { rule = "", period = "", group = "" } = query;
  const chosen = { rule, period, group };
  const show = (change: Partial<Chosen>) => {
    const next = Object.entries({ ...chosen, ...change }).filter(([, value]) => value !== "");
    route(next.length === 0 ? "/findings" : `/findings?${new URLSearchParams(next)}`);
  };
  const asked = {
    ...(rule === "" ? {} : { rule: rule as Rule }),
    ...(period === "" ? {} : { period }),
    ...(group === "" ? {} : { group }),
  };
  return (
    <>
      <h1>{t("nav.findings")}</h1>
      <p class="lead soft">{t("findings.about")}</p>
      <section class="panel" aria-label={t("findings.list")}>
        <Choices chosen={chosen} show={show} />
        <FindingList key={JSON.stringify(asked)} asked={asked} />
      </section>
      {may("analyst", "operator") && group === "" && (rule === "" || rule === "V12") ? (
        <ConflictList key={period} period={period} />
      ) : null}
    </>
  );
}

function Choices({ chosen, show }: { chosen: Chosen; show: (change: Partial<Chosen>) => void }) {
  const seesGroups = may("analyst", "operator");
  const answer = useAnswer("choices", async (signal) => {
    const [periods, groups] = await Promise.all([
      ask(api.GET("/v1/periods", { signal })),
      seesGroups ? ask(api.GET("/v1/groups", { params: { query: { limit: groupsMax } }, signal })) : { items: [] },
    ]);
    return { periods: periods.items, groups: groups.items };
  });
  const { periods = [], groups = [] } = answer.data ?? {};
  const named = groups.filter(({ kind }) => kind !== "fleet" && kind !== "measures");
  return (
    <div class="controls">
      <div class="controls-row">
        <Choice
          label={t("findings.rule")}
          value={chosen.rule}
          options={[["", t("findings.allRules")], ...rules.map((rule) => [rule, nameOf(rule)] as const)]}
          choose={(rule) => show({ rule })}
        />
        <Choice
          label={t("findings.month")}
          value={chosen.period}
          options={withChosen(
            [["", t("findings.allMonths")], ...periods.map(({ period }) => [period, monthName(period)] as const)],
            chosen.period,
          )}
          choose={(period) => show({ period })}
        />
        {seesGroups ? (
          <Choice
            label={t("findings.group")}
            value={chosen.group}
            options={withChosen(
              [
                ["", t("findings.allGroups")],
                ...named.map(({ groupId, kind, name }) => [groupId, `${t(`groups.kind.${kind}`)} ${name}`] as const),
              ],
              chosen.group,
            )}
            choose={(group) => show({ group })}
          />
        ) : null}
      </div>
    </div>
  );
}

function nameOf(rule: string): string {
  return rule === "OPERATOR" ? ruleName(rule) : `${rule} · ${ruleName(rule)}`;
}

type Option = readonly [value: string, name: string];

/** What an address names is there to be seen, also where the list has not come or does not hold it. */
function withChosen(options: readonly Option[], value: string): readonly Option[] {
  return options.some(([one]) => one === value) ? options : [...options, [value, value]];
}
