import { useRef } from "preact/hooks";
import { useRoute } from "preact-iso";
import { api, ask } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { useEvents } from "../api/use-events.ts";
import { GapList } from "../intake/gap-list.tsx";
import { monthName } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { amount, count, percent } from "../language/numbers.ts";
import { DownloadLinks } from "../look/download-links.tsx";
import { Icon } from "../look/icon.tsx";
import { RegisterCell } from "../look/register-cell.tsx";
import { Empty, WithAnswer } from "../look/states.tsx";
import { Wide } from "../look/wide.tsx";
import { methodName } from "../month-end/why.ts";
import { may } from "../session/session.ts";
import { usePageTitle } from "../shell/page-title.ts";
import { CloseMonth } from "./close-month.tsx";
import { type HandOver, HandOverPanel } from "./hand-over-panel.tsx";
import { InTheWay } from "./in-the-way.tsx";
import { countdown } from "./month-tiles.tsx";
import { Window } from "./month-window.tsx";
import type { Period } from "./period.ts";
import { QualityBar, QualityCounts } from "./quality-bar.tsx";

/** Where no events come. */
const everyMs = 5000;

/** The board of one month's close; it goes on by itself while it is looked at. */
export function MonthPage() {
  const { period = "" } = useRoute().params;
  usePageTitle(monthName(period));
  const { newest, isLive } = useEvents<BoardEvent>(`/v1/periods/${encodeURIComponent(period)}/events`, "board");
  const asked = useAnswer(
    period,
    async (signal) => {
      const params = { path: { period } };
      const [known, handOver] = await Promise.all([
        ask(api.GET("/v1/periods/{period}", { params, signal })),
        ask(api.GET("/v1/periods/{period}/hand-over", { params, signal })),
      ]);
      return { period: known, handOver };
    },
    isLive ? {} : { everyMs },
  );
  // An event counts until something was asked behind it: a stream ends, and may not come again.
  const before = useRef(asked.data);
  if (isLive) before.current = asked.data;
  const isNewest = newest?.period.period === period && (isLive || asked.data === before.current);
  const answer = isNewest ? { ...asked, data: newest, problem: isLive ? undefined : asked.problem } : asked;
  return (
    <>
      <p class="kicker">
        <a href="/months">
          <Icon name="left" /> {t("nav.months")}
        </a>
      </p>
      <h1>{monthName(period)}</h1>
      <WithAnswer answer={answer} height={420}>
        {(known) =>
          known.period.period === period ? (
            <Board period={known.period} handOver={known.handOver} again={answer.again} />
          ) : null
        }
      </WithAnswer>
    </>
  );
}

interface BoardEvent {
  readonly period: Period;
  readonly handOver: HandOver;
}

function Board({ period, handOver, again }: BoardEvent & { again: () => void }) {
  return (
    <>
      <ul class="facts">
        <li>
          <span class={`badge badge-${period.state}`}>{t(`state.${period.state}`)}</span>
        </li>
        <li>{countdown(period)}</li>
        <li>{period.zone}</li>
      </ul>
      <Window period={period} />
      {period.meters === 0 ? (
        <>
          <Empty title={t("months.nothingYet")}>{t("months.nothingYetAbout")}</Empty>
          {period.silent === 0 ? null : <InTheWay period={period} />}
        </>
      ) : (
        <>
          <Shares period={period} />
          <InTheWay period={period} />
        </>
      )}
      {may("analyst", "operator") ? <GapList period={period.period} /> : null}
      {period.state === "open" ? null : <CloseMonth period={period.period} done={again} />}
      {period.meters === 0 ? null : <HandOverPanel handOver={handOver} />}
      {period.meters === 0 ? null : <Totals period={period} />}
    </>
  );
}

function Shares({ period }: { period: Period }) {
  const { meters, registers, silent, completeness, byQuality, byMethod } = period;
  return (
    <section class="panel" aria-labelledby="shares">
      <div class="panel-head">
        <h2 id="shares">{t("board.shares")}</h2>
        <p class="soft">
          {t("search.count", { count: meters })} · {t("board.rows", { count: registers })}
          {completeness === null || silent === null
            ? ""
            : ` · ${t("months.complete", { share: percent(completeness) })}`}
        </p>
      </div>
      <QualityBar byQuality={byQuality} />
      <QualityCounts byQuality={byQuality} />
      <h3>{t("table.method")}</h3>
      <ul class="counts">
        {Object.entries(byMethod)
          .sort(([, a], [, b]) => b - a)
          .map(([method, rows]) => (
            <li key={method}>
              <span>{methodName(method)}</span>
              <strong>{count(rows)}</strong>
            </li>
          ))}
      </ul>
    </section>
  );
}

function Totals({ period: { period, controlTotals, hash } }: { period: Period }) {
  return (
    <section class="panel" aria-labelledby="totals">
      <div class="panel-head">
        <h2 id="totals">{t("board.totals")}</h2>
        <DownloadLinks call={`/v1/snapshots?period=${period}`} />
      </div>
      <Wide label={t("board.totals")}>
        <table class="table stack">
          <thead>
            <tr>
              <th scope="col">{t("table.register")}</th>
              <th scope="col" class="number">
                {t("board.rowsHead")}
              </th>
              <th scope="col" class="number">
                {t("board.without")}
              </th>
              <th scope="col" class="number">
                {t("table.consumption")}
              </th>
              <th scope="col" class="number">
                {t("board.valueSum")}
              </th>
            </tr>
          </thead>
          <tbody>
            {controlTotals.map(({ register, unit, rows, withoutConsumption, consumption, value }) => (
              <tr key={`${register} ${unit}`}>
                <th scope="row">
                  <RegisterCell register={register} />
                </th>
                <td class="number" data-label={t("board.rowsHead")}>
                  {count(rows)}
                </td>
                <td class="number" data-label={t("board.without")}>
                  {count(withoutConsumption)}
                </td>
                <td class="number" data-label={t("table.consumption")}>
                  <strong>{amount(BigInt(consumption), unit)}</strong>
                </td>
                <td class="number" data-label={t("board.valueSum")}>
                  {amount(BigInt(value), unit)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      <p class="soft hash">
        {t("board.hash")} <code>{hash}</code>
      </p>
    </section>
  );
}
