import { monthName } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { amount, signlessPercent } from "../language/numbers.ts";
import { RegisterCell } from "../look/register-cell.tsx";
import { Wide } from "../look/wide.tsx";
import type { Statement } from "./load-statement.ts";

interface MonthListProps {
  readonly usagePointId: string;
  readonly months: readonly Statement[];
}

/** What each month came to, beside the month and the year before; a month leads to why. */
export function MonthList({ usagePointId, months }: MonthListProps) {
  const used = new Map(
    months.flatMap(({ period, registers }) =>
      registers.map(({ register, consumption }) => [`${period} ${register}`, consumption] as const),
    ),
  );
  return (
    <Wide label={t("point.months")}>
      <table class="table stack">
        <thead>
          <tr>
            <th scope="col">{t("table.month")}</th>
            <th scope="col">{t("table.register")}</th>
            <th scope="col" class="number">
              {t("table.consumption")}
            </th>
            <th scope="col" class="number">
              {t("compare.month")}
            </th>
            <th scope="col" class="number">
              {t("compare.year")}
            </th>
            <th scope="col">{t("table.quality")}</th>
          </tr>
        </thead>
        {months.map((statement) => (
          <tbody key={statement.id}>
            {statement.registers.map((row, index) => (
              <tr key={row.register}>
                {index === 0 ? <MonthCell usagePointId={usagePointId} statement={statement} /> : null}
                <td class="stack-head">
                  <RegisterCell register={row.register} />
                </td>
                <td class="number" data-label={t("table.consumption")}>
                  <strong>{row.consumption === null ? "–" : amount(row.consumption, row.unit)}</strong>
                </td>
                {([1, 12] as const).map((back) => (
                  <td key={back} class="number" data-label={t(back === 1 ? "compare.month" : "compare.year")}>
                    {change(row.consumption, used.get(`${monthsBefore(statement.period, back)} ${row.register}`))}
                  </td>
                ))}
                <td data-label={t("table.quality")}>
                  <i class={`mark mark-${row.quality}`} /> {t(`quality.${row.quality}`)}
                </td>
              </tr>
            ))}
          </tbody>
        ))}
      </table>
    </Wide>
  );
}

function MonthCell({ usagePointId, statement }: { usagePointId: string; statement: Statement }) {
  const { period, lifecycle, incomplete, registers } = statement;
  return (
    <th scope="rowgroup" rowSpan={registers.length}>
      <a href={`/usage-points/${encodeURIComponent(usagePointId)}/months/${period}`}>{monthName(period)}</a>
      <small>
        {t(`lifecycle.${lifecycle}`)}
        {incomplete ? ` · ${t("statement.incomplete")}` : ""}
        {statement.void ? ` · ${t("statement.void")}` : ""}
      </small>
    </th>
  );
}

/** How much more or less than before; nothing where one of the two is not known. */
function change(now: number | null, before: number | null | undefined): string {
  if (now === null || before === null || before === undefined || before === 0) return "–";
  const share = now / before - 1;
  const sign = share > 0 ? "+" : share < 0 ? "−" : "";
  return `${sign}${signlessPercent(Math.abs(share))}`;
}

/** `2025-10` of `2026-10` and 12. */
function monthsBefore(period: string, back: number): string {
  const [year = 0, month = 1] = period.split("-").map(Number);
  return new Date(Date.UTC(year, month - 1 - back, 15)).toISOString().slice(0, 7);
}
