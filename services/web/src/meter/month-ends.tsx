import { api, ask, type Schemas } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import type { Meter } from "../curves/load-curves.ts";
import { monthName } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { amount, amountNumber } from "../language/numbers.ts";
import { RegisterCell } from "../look/register-cell.tsx";
import { Empty, WithAnswer } from "../look/states.tsx";
import { Wide } from "../look/wide.tsx";
import { RowTime } from "../month-end/row-time.tsx";
import { methodName } from "../month-end/why.ts";

type Snapshot = Schemas["Snapshot"];

/** The value of each register at each month's end, with how it was found; the month leads to why. */
export function MonthEnds({ meter: { meterId, zone } }: { meter: Meter }) {
  const answer = useAnswer(meterId, (signal) =>
    ask(api.GET("/v1/meters/{meterId}/snapshots", { params: { path: { meterId }, query: {} }, signal })),
  );
  return (
    <section class="panel" aria-labelledby="month-ends">
      <div class="panel-head">
        <h2 id="month-ends">{t("monthEnds.title")}</h2>
        <p class="soft">{t("monthEnds.about")}</p>
      </div>
      <WithAnswer answer={answer} height={160}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={t("monthEnds.none")}>{t("monthEnds.noneAbout")}</Empty>
          ) : (
            <Wide label={t("monthEnds.title")}>
              <table class="table stack">
                <thead>
                  <tr>
                    <th scope="col">{t("table.month")}</th>
                    <th scope="col">{t("table.register")}</th>
                    <th scope="col" class="number">
                      {t("table.consumption")}
                    </th>
                    <th scope="col" class="number">
                      {t("table.closing")}
                    </th>
                    <th scope="col">{t("table.quality")}</th>
                    <th scope="col">{t("table.method")}</th>
                  </tr>
                </thead>
                {items.map((snapshot) => (
                  <MonthRows key={snapshot.id} snapshot={snapshot} zone={zone} />
                ))}
              </table>
            </Wide>
          )
        }
      </WithAnswer>
    </section>
  );
}

function MonthRows({ snapshot, zone }: { snapshot: Snapshot; zone: string }) {
  const { meterId, period, revision, lifecycle, registers } = snapshot;
  return (
    <tbody>
      {registers.map((row, index) => (
        <tr key={`${row.register} ${row.unit} ${row.from}`}>
          {index === 0 ? (
            <th scope="rowgroup" rowSpan={registers.length}>
              <a href={`/meters/${encodeURIComponent(meterId)}/months/${period}`}>{monthName(period)}</a>
              <small>
                {t(`lifecycle.${lifecycle}`)}
                {revision > 1 ? ` · ${t("monthEnds.revision", { revision })}` : ""}
              </small>
            </th>
          ) : null}
          <td class="stack-head">
            <RegisterCell register={row.register} />
            <RowTime row={row} place={snapshot.usagePointId} zone={zone} />
          </td>
          <td class="number" data-label={t("table.consumption")}>
            <strong>{row.consumption === null ? "–" : amount(row.consumption, row.unit)}</strong>
          </td>
          <td class="number" data-label={t("table.closing")}>
            {row.value === null ? "–" : amountNumber(row.value, row.unit)}
          </td>
          <td data-label={t("table.quality")}>
            <i class={`mark mark-${row.quality}`} /> {t(`quality.${row.quality}`)}
          </td>
          <td class="soft" data-label={t("table.method")}>
            {methodName(row.method)}
          </td>
        </tr>
      ))}
    </tbody>
  );
}
