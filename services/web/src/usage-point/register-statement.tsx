import { FoundByRules } from "../findings/found-by-rules.tsx";
import { dateTime } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { amount, changeOf } from "../language/numbers.ts";
import { Wide } from "../look/wide.tsx";
import { Evidence } from "../month-end/evidence.tsx";
import { RegisterHead } from "../month-end/register-head.tsx";
import { methodName, whyConsumption, whyValue } from "../month-end/why.ts";
import { rowOf, type Segment, type Statement, type ToldStatement } from "./load-statement.ts";

type Row = Statement["registers"][number];

interface RegisterStatementProps {
  readonly told: ToldStatement;
  readonly row: Row;
}

/** One register: readings on the left, the sum that they give on the right, and why below. */
export function RegisterStatement({ told, row }: RegisterStatementProps) {
  const title = `statement-${row.register}`;
  return (
    <section class="panel reading" aria-labelledby={title}>
      <RegisterHead id={title} row={row} />
      <div class="beside">
        <Readings row={row} zone={told.zone} />
        <Sum row={row} />
      </div>
      <h3>{t("reading.why")}</h3>
      {row.segments.map((segment) => (
        <Why key={`${segment.meterId} ${segment.from}`} told={told} row={row} segment={segment} />
      ))}
    </section>
  );
}

function Readings({ row: { segments, unit }, zone }: { row: Row; zone: string }) {
  const sign = (value: number | null) => (value === null ? "–" : amount(value, unit));
  return (
    <div>
      <h3>{t("statement.readings")}</h3>
      <Wide label={t("statement.readings")}>
        <table class="table stack">
          <thead>
            <tr>
              <th scope="col">{t("statement.meter")}</th>
              <th scope="col">{t("statement.at")}</th>
              <th scope="col" class="number">
                {t("statement.value")}
              </th>
            </tr>
          </thead>
          {segments.map((segment) => (
            <tbody key={`${segment.meterId} ${segment.from}`}>
              <tr>
                <th scope="rowgroup" rowSpan={2}>
                  <a href={`/meters/${encodeURIComponent(segment.meterId)}`}>{segment.meterId}</a>
                  <small>{methodName(segment.method)}</small>
                </th>
                <td data-label={t("statement.at")}>{dateTime(segment.openingAt ?? segment.from, zone)}</td>
                <td class="number" data-label={t("statement.value")}>
                  {sign(segment.opening)}
                </td>
              </tr>
              <tr>
                <td data-label={t("statement.at")}>{dateTime(segment.to, zone)}</td>
                <td class="number" data-label={t("statement.value")}>
                  {sign(segment.closing)}
                </td>
              </tr>
            </tbody>
          ))}
        </table>
      </Wide>
    </div>
  );
}

function Sum({ row }: { row: Row }) {
  const { segments, unit, consumption, correction } = row;
  const sign = (value: number | null) => (value === null ? "–" : amount(value, unit));
  return (
    <div>
      <h3>{t("statement.sum")}</h3>
      <dl class="sum-list">
        {segments.map((segment) => (
          <div key={`${segment.meterId} ${segment.from}`}>
            <dt>
              {segment.meterId} <span class="soft">{differenceText(segment, unit)}</span>
            </dt>
            <dd>{sign(segment.consumption)}</dd>
          </div>
        ))}
        <div class="sum-total">
          <dt>{t("table.consumption")}</dt>
          <dd>{sign(consumption)}</dd>
        </div>
        {correction === null ? null : (
          <div>
            <dt>{t("statement.correction")}</dt>
            <dd>{changeOf(correction, unit)}</dd>
          </div>
        )}
      </dl>
    </div>
  );
}

/** How a segment's amount comes of its two readings. */
function differenceText({ opening, closing, multiplier }: Segment, unit: string): string {
  if (opening === null || closing === null) return "";
  const difference = `${amount(closing, unit)} − ${amount(opening, unit)}`;
  return multiplier === 1 ? difference : `(${difference}) × ${multiplier}`;
}

/** A meter that left within the month. */
function partEnd({ to, closing, method }: Segment, unit: string, zone: string): string {
  const value = closing === null ? "–" : amount(closing, unit);
  return t("statement.partEnd", { at: dateTime(to, zone), value, method: methodName(method) });
}

/** One that came within it. */
function partBegin({ from, opening }: Segment, unit: string, zone: string): string {
  return t("statement.partBegin", { at: dateTime(from, zone), value: opening === null ? "–" : amount(opening, unit) });
}

function Why({ told, row, segment }: RegisterStatementProps & { segment: Segment }) {
  const found = rowOf(told, row.register, segment);
  if (found === undefined) return null;
  const { zone, statement } = told;
  const boundary = segment.to;
  const isPart = boundary !== statement.to;
  return (
    <>
      <p class="why">
        {row.segments.length > 1 ? <strong>{segment.meterId}: </strong> : null}
        {isPart
          ? partEnd(segment, row.unit, zone)
          : whyValue(found.row, { boundary, reason: found.snapshot.reason }, zone)}{" "}
        {whyConsumption(
          found.row,
          segment.multiplier,
          segment.from === statement.from ? undefined : partBegin(segment, row.unit, zone),
        )}
      </p>
      <Evidence row={found.row} boundary={boundary} zone={zone} isPart={isPart} />
      <FoundByRules findings={found.row.findings} zone={zone} />
    </>
  );
}
