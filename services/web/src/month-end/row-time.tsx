import { dateTime } from "../language/dates.ts";
import type { Row } from "./why.ts";

interface RowTimeProps {
  readonly row: Pick<Row, "from" | "to" | "usagePointId">;
  /** Where the meter was at the month's end. */
  readonly place: string;
  readonly zone: string;
}

/** Of what part of the month a row is, and where the meter was then; nothing of a whole month. */
export function RowTime({ row: { from, to, usagePointId }, place, zone }: RowTimeProps) {
  if (from === null && to === null) return null;
  const end = (instant: string | null) => (instant === null ? "…" : dateTime(instant, zone));
  return (
    <small class="soft">
      {" "}
      {end(from)} – {end(to)}
      {usagePointId === place ? "" : ` · ${usagePointId}`}
    </small>
  );
}
