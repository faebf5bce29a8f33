import type { Schemas } from "../api/client.ts";
import { dateTime, day } from "../language/dates.ts";
import { isMessage, t } from "../language/language.ts";
import { amount } from "../language/numbers.ts";

export type Row = Schemas["Snapshot"]["registers"][number];

export function methodName(method: string): string {
  const known = `method.${method}`;
  return isMessage(known) ? t(known) : method;
}

/** Where the value of a register at the month's end comes from, in a sentence. */
export function whyValue(row: Row, snapshot: Pick<Schemas["Snapshot"], "boundary" | "reason">, zone: string): string {
  const known = `why.${row.method}`;
  const { before, after } = row.evidence;
  const sign = (value: number | null) => (value === null ? "–" : amount(value, row.unit));
  const at = (instant: string | undefined | null) =>
    instant === undefined || instant === null ? "–" : dateTime(instant, zone);
  return t(isMessage(known) ? known : "why.other", {
    method: row.method,
    value: sign(row.value),
    boundary: at(snapshot.boundary),
    readAt: at(row.readAt),
    origin: row.origin === null ? "" : originName(row.origin),
    before: sign(before?.value ?? null),
    beforeAt: at(before?.at),
    after: sign(after?.value ?? null),
    afterAt: at(after?.at),
    present: row.intervals?.present ?? 0,
    expected: row.intervals?.expected ?? 0,
    reason: snapshot.reason,
    month: day(snapshot.boundary, zone),
  });
}

export function originName(origin: string): string {
  const known = `origin.${origin}`;
  return isMessage(known) ? t(known) : origin;
}

/**
 * Where the month's consumption comes from, or why there is none.
 *
 * @param began how the row began, where that is not with the month
 */
export function whyConsumption(row: Row, multiplier: number, began?: string): string {
  if (row.method === "VOID") return "";
  if (row.fault !== null) {
    const known = `fault.${row.fault}`;
    return isMessage(known) ? t(known) : row.fault;
  }
  if (row.intervals !== null) return row.consumption === null ? t("why.noSum") : "";
  if (row.opening === null || row.openingBasis === null) return t("why.noOpening");
  const basis = `opening.${row.openingBasis}`;
  const opening = amount(row.opening, row.unit);
  const beginning =
    began ?? (isMessage(basis) ? t(basis, { opening }) : t("opening.other", { opening, basis: row.openingBasis }));
  if (row.consumption === null) return `${beginning} ${t("why.noConsumption")}`;
  return `${beginning} ${t("why.difference", { consumption: amount(row.consumption, row.unit), multiplier })}`;
}
