import { useLocation, useRoute } from "preact-iso";
import { api, ask } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { type MeterView, readView, viewQuery } from "../curves/view-state.ts";
import { t } from "../language/language.ts";
import { Icon } from "../look/icon.tsx";
import { Empty, WithAnswer } from "../look/states.tsx";
import { may } from "../session/session.ts";
import { usePageTitle } from "../shell/page-title.ts";
import { zoneClock } from "../time/zone-clock.ts";
import { FeederBalance } from "./feeder-balance.tsx";
import { type Group, groupTitle } from "./group-curve.ts";
import { GroupPanel } from "./group-panel.tsx";
import { TopMovers } from "./top-movers.tsx";

export function GroupPage() {
  const groupId = decodeURIComponent(useRoute().params["groupId"] ?? "");
  usePageTitle(groupId);
  const answer = useAnswer(groupId, async (signal) => {
    const [group, periods] = await Promise.all([
      ask(api.GET("/v1/groups/{groupId}", { params: { path: { groupId } }, signal })),
      ask(api.GET("/v1/periods", { signal })),
    ]);
    return { group, periods: periods.items };
  });
  return (
    <>
      <p class="kicker">
        <a href="/groups">
          <Icon name="left" /> {t("nav.groups")}
        </a>
      </p>
      {may("analyst", "operator") ? (
        <WithAnswer answer={answer} height={560}>
          {({ group, periods }) =>
            group.groupId === groupId ? <KnownGroup key={groupId} group={group} periods={periods} /> : null
          }
        </WithAnswer>
      ) : (
        <Empty title={t("groups.noRights")}>{t("groups.noRightsAbout")}</Empty>
      )}
      {answer.data === undefined ? <h1>{groupId}</h1> : null}
    </>
  );
}

interface ListedPeriod {
  readonly period: string;
  readonly state: string;
  readonly zone: string;
}

function KnownGroup({ group, periods }: { group: Group; periods: readonly ListedPeriod[] }) {
  const { query, path, route } = useLocation();
  const zone = periods[0]?.zone ?? "UTC";
  const clock = zoneClock(zone);
  const view = readView(query, clock, Date.now() / 1000);
  // What the movers show stands in the same address.
  const beside = new URLSearchParams(Object.entries(query).filter(([name]) => name === "period" || name === "against"));
  const show = (change: Partial<MeterView>) =>
    route(`${path}?${[viewQuery({ ...view, ...change }, clock), beside].map(String).filter(Boolean).join("&")}`);
  const over = periods.filter(({ state }) => state !== "open").map(({ period }) => period);
  return (
    <>
      <h1>{groupTitle(group, t(`groups.kind.${group.kind}`))}</h1>
      <ul class="facts">
        <li>{t("search.count", { count: group.meters })}</li>
        <li>{zone}</li>
      </ul>
      {group.registers.length === 0 ? (
        <Empty title={t("groups.noSums")}>{t("groups.noSumsAbout")}</Empty>
      ) : (
        <GroupPanel group={group} zone={zone} view={view} show={show} />
      )}
      {group.kind === "feeder" ? <FeederBalance groupId={group.groupId} zone={zone} view={view} /> : null}
      {over.length === 0 ? null : <TopMovers groupId={group.groupId} periods={over} />}
    </>
  );
}
