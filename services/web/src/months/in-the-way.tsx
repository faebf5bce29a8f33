import { api, ask, type Schemas } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { t } from "../language/language.ts";
import { count } from "../language/numbers.ts";
import { Icon } from "../look/icon.tsx";
import { MetersOfQuality } from "./meters-of-quality.tsx";
import type { Period } from "./period.ts";
import { SilentMeters } from "./silent-meters.tsx";

type Status = Schemas["Status"];

const everyMs = 5000;
const poor = ["missing", "suspect", "incomplete", "estimated"] as const;

/** What keeps the month from being whole, and what can be done about each. */
export function InTheWay({ period }: { period: Period }) {
  const status = useAnswer("status", (signal) => ask(api.GET("/v1/status", { signal })), { everyMs });
  const rows = poor.filter((quality) => (period.byQuality[quality] ?? 0) > 0);
  const said = status.data === undefined ? [] : saidOf(status.data, period);
  const isClear = rows.length === 0 && period.silent === 0 && said.length === 0 && status.data !== undefined;
  return (
    <section class="panel" aria-labelledby="way">
      <div class="panel-head">
        <h2 id="way">{t("way.title")}</h2>
      </div>
      {isClear ? (
        <p class="clear">
          <Icon name="check" /> {t("way.clear")}
        </p>
      ) : null}
      <ul class="way">
        {said.map(({ text, href }) => (
          <li key={text}>
            <Icon name="alert" />
            <span>{text}</span>
            {href === undefined ? null : <a href={href}>{t("way.look")}</a>}
          </li>
        ))}
        {period.silent === 0 ? null : (
          <li class="way-meters">
            <SilentMeters meters={period.silent} start={period.start} />
          </li>
        )}
        {rows.map((quality) => (
          <li key={quality} class="way-meters">
            <MetersOfQuality period={period.period} quality={quality} rows={period.byQuality[quality] ?? 0} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function saidOf({ inFlight, snapshotsPending }: Status, { damaged }: Period): { text: string; href?: string }[] {
  const said: { text: string; href?: string }[] = [];
  if (inFlight > 0)
    said.push({ text: t("way.inFlight", { count: inFlight, shown: count(inFlight) }), href: "/intake" });
  if (snapshotsPending > 0)
    said.push({ text: t("way.pending", { count: snapshotsPending, shown: count(snapshotsPending) }) });
  if (damaged > 0)
    said.push({ text: t("way.damaged", { count: damaged, shown: count(damaged) }), href: "/intake#damage" });
  return said;
}
