import { api, ask } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { IntakeFigures } from "../intake/intake-figures.tsx";
import { t } from "../language/language.ts";
import { Icon } from "../look/icon.tsx";
import { WithAnswer } from "../look/states.tsx";
import { MonthTiles } from "../months/month-tiles.tsx";
import { addressOf, nameOf, openSearch, type RecentMeter, recent } from "../search/search-state.ts";
import { may } from "../session/session.ts";
import { usePageTitle } from "../shell/page-title.ts";

export function StartPage() {
  usePageTitle("");
  const seesBooks = may("billing", "analyst", "operator");
  return (
    <>
      <section class="hero">
        <h1>{t("start.title")}</h1>
        <p class="soft">{t("start.about")}</p>
        {seesBooks ? (
          <button type="button" class="hero-search" onClick={openSearch}>
            <Icon name="search" />
            <span>{t("search.hint")}</span>
            <kbd>/</kbd>
          </button>
        ) : null}
      </section>
      {seesBooks ? <Meters /> : null}
      {seesBooks ? (
        <section aria-labelledby="start-months">
          <div class="section-head">
            <h2 id="start-months">{t("start.months")}</h2>
            <a href="/months">{t("start.allMonths")}</a>
          </div>
          <MonthTiles most={3} />
        </section>
      ) : null}
      <section aria-labelledby="start-intake">
        <div class="section-head">
          <h2 id="start-intake">{t("nav.intake")}</h2>
          <a href="/intake">{t("intake.open")}</a>
        </div>
        <IntakeFigures />
      </section>
      <p class="to-calls">
        <a href="/docs">{t("start.calls")}</a>
      </p>
    </>
  );
}

/**
 * Those that were looked at lately, or the first few that there are, so that nobody needs to know a number to begin.
 */
function Meters() {
  const lately = recent.value;
  return (
    <section aria-labelledby="start-meters">
      <div class="section-head">
        <h2 id="start-meters">{t(lately.length > 0 ? "search.recent" : "start.meters")}</h2>
      </div>
      {lately.length > 0 ? <Chips chips={lately.map(chipOf)} /> : <FirstMeters />}
    </section>
  );
}

const firstMetersMax = 8;

function FirstMeters() {
  const answer = useAnswer("first", async (signal) => {
    const { items } = await ask(api.GET("/v1/periods", { signal }));
    const period = items.find(({ meters }) => meters > 0)?.period;
    if (period === undefined) return [];
    const query = { period, limit: firstMetersMax };
    return (await ask(api.GET("/v1/snapshots", { params: { query }, signal }))).items.map(chipOf);
  });
  return (
    <WithAnswer answer={answer} height={40}>
      {(chips) => (chips.length === 0 ? <p class="soft">{t("start.noMeters")}</p> : <Chips chips={chips} />)}
    </WithAnswer>
  );
}

interface Chip {
  readonly name: string;
  readonly address: string;
}

function chipOf(one: RecentMeter): Chip {
  return { name: nameOf(one), address: addressOf(one) };
}

function Chips({ chips }: { chips: readonly Chip[] }) {
  return (
    <ul class="chips">
      {chips.map(({ name, address }) => (
        <li key={address}>
          <a class="chip" href={address}>
            {name}
          </a>
        </li>
      ))}
    </ul>
  );
}
