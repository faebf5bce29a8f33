import { dateTime } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { amount } from "../language/numbers.ts";
import type { Row } from "./why.ts";

interface EvidenceProps {
  readonly row: Row;
  readonly boundary: string;
  readonly zone: string;
  /** The row ends within the month, because its meter left. */
  readonly isPart?: boolean;
}

/** The readings on both sides of the month's end, in the order of time. */
export function Evidence({ row, boundary, zone, isPart = false }: EvidenceProps) {
  const { before, after } = row.evidence;
  if (before === null && after === null) return null;
  const isExact = before?.at === boundary;
  return (
    <ol class="evidence" aria-label={t("reading.evidence")}>
      {before === null || isExact ? null : (
        <li>
          <span class="soft">{dateTime(before.at, zone)}</span>
          <strong>{amount(before.value, row.unit)}</strong>
          <small>{t("evidence.before")}</small>
        </li>
      )}
      <li class="evidence-end">
        <span class="soft">{dateTime(boundary, zone)}</span>
        <strong>{row.value === null ? "–" : amount(row.value, row.unit)}</strong>
        <small>{t(isPart ? "evidence.part" : isExact ? "evidence.exact" : "evidence.end")}</small>
      </li>
      {after === null ? null : (
        <li>
          <span class="soft">{dateTime(after.at, zone)}</span>
          <strong>{amount(after.value, row.unit)}</strong>
          <small>{t("evidence.after")}</small>
        </li>
      )}
    </ol>
  );
}
