import { periodName } from "@meterbook/core/domain/snapshot/snapshot";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { ApiContext } from "../api-context.ts";
import { ApiProblem } from "../http/problems/problem.ts";

/**
 * Tells an empty answer of a period that is not over from one of a period in which nothing was issued.
 *
 * @param zone of the period; the default zone where absent
 * @throws ApiProblem `period_open` when the boundary has not passed and there is nothing yet
 */
export async function refuseOpenPeriod(
  { ports, timeZone }: ApiContext,
  period: number,
  thereIsSomething: () => Promise<boolean>,
  zone: string = timeZone,
): Promise<void> {
  const calendar = localCalendar(zone);
  if (ports.clock.nowMs() / 1000 >= calendar.boundaryOf(period) || (await thereIsSomething())) return;
  const ends = formatInstant(calendar.boundaryOf(period));
  const provisional = formatInstant(calendar.provisionalFrom(period));
  const detail = `period ${periodName(period)} ends at ${ends}; provisional snapshots come from ${provisional} on, final ones from ${formatInstant(calendar.finalFrom(period))}`;
  throw new ApiProblem("period_open", detail);
}
