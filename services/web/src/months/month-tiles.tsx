import { api, ask, type Schemas } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { dateTime, monthName, relative } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { percent } from "../language/numbers.ts";
import { Empty, WithAnswer } from "../look/states.tsx";
import { QualityBar } from "./quality-bar.tsx";

type Listed = Schemas["ListedPeriod"];

export function MonthTiles({ most }: { most?: number }) {
  const answer = useAnswer("periods", (signal) => ask(api.GET("/v1/periods", { signal })), { everyMs: 30_000 });
  return (
    <WithAnswer answer={answer} height={150}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty title={t("months.none")} />
        ) : (
          <ul class="tiles">
            {items.slice(0, most ?? items.length).map((period) => (
              <MonthTile key={period.period} period={period} />
            ))}
          </ul>
        )
      }
    </WithAnswer>
  );
}

function MonthTile({ period }: { period: Listed }) {
  const { period: name, state, meters } = period;
  return (
    <li class="tile">
      <div class="tile-head">
        <a href={`/months/${name}`}>{monthName(name)}</a>
        <span class={`badge badge-${state}`}>{t(`state.${state}`)}</span>
      </div>
      <p class="soft">{countdown(period)}</p>
      {meters === 0 ? <p class="soft">{t("months.nothingYet")}</p> : <Share name={name} />}
    </li>
  );
}

/** What comes next for a month, and when. */
export function countdown({
  state,
  boundary,
  finalFrom,
  zone,
}: Pick<Listed, "state" | "boundary" | "finalFrom" | "zone">): string {
  const next = state === "open" ? boundary : finalFrom;
  const seconds = Date.parse(next) / 1000 - Date.now() / 1000;
  return t(`countdown.${state}`, { in: relative(seconds), at: dateTime(next, zone) });
}

function Share({ name }: { name: string }) {
  const answer = useAnswer(name, (signal) =>
    ask(api.GET("/v1/periods/{period}", { params: { path: { period: name } }, signal })),
  );
  return (
    <WithAnswer answer={answer} height={44}>
      {({ byQuality, completeness, meters, silent }) => (
        <>
          <QualityBar byQuality={byQuality} />
          <p class="soft">
            {t("search.count", { count: meters })}
            {completeness === null || silent === null
              ? ""
              : ` · ${t("months.complete", { share: percent(completeness) })}`}
          </p>
        </>
      )}
    </WithAnswer>
  );
}
