import { useLocation } from "preact-iso";
import { api, ask } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { monthName } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { changeOf, count, signedAmount, signlessPercent } from "../language/numbers.ts";
import { Choice } from "../look/choice.tsx";
import { Empty, WithAnswer } from "../look/states.tsx";
import { Wide } from "../look/wide.tsx";

/** Whose use changed most against the month or the year before. */
export function TopMovers({ groupId, periods }: { groupId: string; periods: readonly string[] }) {
  const { query, path, route } = useLocation();
  const period = periods.find((one) => one === query["period"]) ?? (periods[0] as string);
  const against = query["against"] === "year" ? "year" : "month";
  const show = (change: Record<string, string>) => route(`${path}?${new URLSearchParams({ ...query, ...change })}`);
  const answer = useAnswer(`${groupId} ${period} ${against}`, (signal) =>
    ask(api.GET("/v1/groups/{groupId}/movers", { params: { path: { groupId }, query: { period, against } }, signal })),
  );
  return (
    <section class="panel" aria-labelledby="movers">
      <div class="panel-head">
        <h2 id="movers">{t("movers.title")}</h2>
        <div class="row">
          <Choice
            label={t("movers.month")}
            value={period}
            options={periods.map((one) => [one, monthName(one)])}
            choose={(next) => show({ period: next })}
          />
          <Choice
            label={t("control.compare")}
            value={against}
            options={(["month", "year"] as const).map((one) => [one, t(`compare.${one}`)])}
            choose={(next) => show({ against: next })}
          />
        </div>
      </div>
      {answer.problem?.code === "group_too_large" ? (
        <Empty title={t("movers.tooLarge")}>{t("movers.tooLargeAbout")}</Empty>
      ) : (
        <WithAnswer answer={answer} height={200}>
          {({ items, compared, meters }) =>
            items.length === 0 ? (
              <Empty title={t("movers.none")}>{t("movers.noneAbout")}</Empty>
            ) : (
              <>
                <p class="soft">{t("movers.compared", { compared: count(compared), meters: count(meters) })}</p>
                <Movers items={items} period={period} />
              </>
            )
          }
        </WithAnswer>
      )}
    </section>
  );
}

interface Mover {
  readonly meterId: string;
  readonly consumption: number | null;
  readonly before: number | null;
  readonly change: number;
}

function Movers({ items, period }: { items: readonly Mover[]; period: string }) {
  return (
    <Wide label={t("movers.title")}>
      <table class="table stack">
        <thead>
          <tr>
            <th scope="col">{t("movers.meter")}</th>
            <th scope="col" class="number">
              {monthName(period)}
            </th>
            <th scope="col" class="number">
              {t("movers.before")}
            </th>
            <th scope="col" class="number">
              {t("movers.change")}
            </th>
          </tr>
        </thead>
        <tbody>
          {items.map(({ meterId, consumption, before, change }) => (
            <tr key={meterId}>
              <th scope="row">
                <a href={`/meters/${encodeURIComponent(meterId)}/months/${period}`}>{meterId}</a>
              </th>
              <td class="number" data-label={monthName(period)}>
                {signedAmount(consumption, "Wh")}
              </td>
              <td class="number" data-label={t("movers.before")}>
                {signedAmount(before, "Wh")}
              </td>
              <td class="number" data-label={t("movers.change")}>
                <strong>{changeOf(change, "Wh")}</strong>{" "}
                {before === null || before === 0 ? "" : `(${signlessPercent(Math.abs(change / before))})`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}
