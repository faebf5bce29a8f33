import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, ask } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { t } from "../language/language.ts";
import { count } from "../language/numbers.ts";
import { Icon } from "../look/icon.tsx";
import { Empty, WithAnswer } from "../look/states.tsx";
import { Wide } from "../look/wide.tsx";
import { may } from "../session/session.ts";
import { usePageTitle } from "../shell/page-title.ts";
import { groupTitle } from "./group-curve.ts";
import { ListSum } from "./list-sum.tsx";

const kinds = ["feeder", "supplier", "group"] as const;
type Kind = (typeof kinds)[number];
const groupsMax = 200;

export function GroupsPage() {
  usePageTitle(t("nav.groups"));
  return (
    <>
      <h1>{t("nav.groups")}</h1>
      <p class="lead soft">{t("groups.about")}</p>
      {may("analyst", "operator") ? (
        <>
          <GroupList />
          <ListSum />
        </>
      ) : (
        <Empty title={t("groups.noRights")}>{t("groups.noRightsAbout")}</Empty>
      )}
    </>
  );
}

function GroupList() {
  const { query, route } = useLocation();
  const kind = kinds.find((one) => one === query["kind"]);
  const [typed, setTyped] = useState("");
  const answer = useAnswer(`groups ${kind ?? ""}`, (signal) =>
    ask(
      api.GET("/v1/groups", {
        params: { query: { limit: groupsMax, ...(kind === undefined ? {} : { kind }) } },
        signal,
      }),
    ),
  );
  const choose = (next: Kind | undefined) => route(next === undefined ? "/groups" : `/groups?kind=${next}`);
  return (
    <section class="panel" aria-labelledby="groups">
      <div class="panel-head">
        <h2 id="groups">{t("groups.list")}</h2>
        <div class="segments" role="group" aria-label={t("groups.kind")}>
          {([undefined, ...kinds] as const).map((one) => (
            <button key={one ?? "all"} type="button" aria-pressed={one === kind} onClick={() => choose(one)}>
              {t(one === undefined ? "groups.all" : `groups.${one}s`)}
            </button>
          ))}
        </div>
      </div>
      <WithAnswer answer={answer} height={240}>
        {({ items, nextCursor }) => {
          const shown = items.filter(
            (one) => one.kind !== "measures" && one.name.toLowerCase().includes(typed.toLowerCase()),
          );
          return (
            <>
              {items.length > 10 ? (
                <label class="field">
                  <span>{t("groups.filter")}</span>
                  <input type="search" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
                </label>
              ) : null}
              {shown.length === 0 ? (
                <Empty title={t("groups.none")}>{t("groups.noneAbout")}</Empty>
              ) : (
                <GroupTable items={shown} />
              )}
              {nextCursor === undefined ? null : (
                <p class="soft">
                  {t("groups.more", { count: groupsMax })}{" "}
                  <a href="/v1/groups?format=csv" download>
                    <Icon name="download" /> CSV
                  </a>
                </p>
              )}
            </>
          );
        }}
      </WithAnswer>
    </section>
  );
}

interface Listed {
  readonly groupId: string;
  readonly kind: "fleet" | "feeder" | "supplier" | "group" | "measures";
  readonly name: string;
  readonly meters: number;
}

function GroupTable({ items }: { items: readonly Listed[] }) {
  return (
    <Wide label={t("groups.list")}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{t("groups.name")}</th>
            <th scope="col" class="number">
              {t("groups.meters")}
            </th>
          </tr>
        </thead>
        <tbody>
          {items.map((one) => (
            <tr key={one.groupId}>
              <th scope="row">
                <a href={`/groups/${encodeURIComponent(one.groupId)}`}>
                  {groupTitle(one, t(`groups.kind.${one.kind}`))}
                </a>
              </th>
              <td class="number">{count(one.meters)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}
