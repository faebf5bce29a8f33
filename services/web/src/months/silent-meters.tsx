import { useState } from "preact/hooks";
import { allPages } from "../api/all-pages.ts";
import { api, ask, type Schemas } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { t } from "../language/language.ts";
import { count } from "../language/numbers.ts";
import { WithAnswer } from "../look/states.tsx";
import { may } from "../session/session.ts";

const metersMax = 100;

/**
 * How many meters nobody waits for and nobody has heard of, and on a click which.
 *
 * @param meters null while it is not known yet
 * @param start of the month: those that were removed before it are not missed
 */
export function SilentMeters({ meters, start }: { meters: number | null; start: string }) {
  const [isOpen, setOpen] = useState(false);
  if (meters === null) return <p class="soft">{t("way.notCounted")}</p>;
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <i class="mark mark-missing" />
        <strong>{t("way.silent", { count: meters, shown: count(meters) })}</strong>
      </summary>
      <p>{t("way.silent.help")}</p>
      {isOpen && may("billing", "analyst", "operator") ? <Meters start={start} /> : null}
    </details>
  );
}

function Meters({ start }: { start: string }) {
  const query = { registered: true, reported: false, installed: false };
  // A page may be short where most meters are passed over.
  const answer = useAnswer("silent", (signal) =>
    allPages((page) => ask(api.GET("/v1/meters", { params: { query: { ...query, ...page } }, signal })), metersMax),
  );
  const isMissed = ({ removed }: Schemas["ListedMeter"]) =>
    removed === undefined || Date.parse(removed.at) > Date.parse(start);
  const all = "/v1/meters?registered=true&reported=false&installed=false&format=csv";
  return (
    <WithAnswer answer={answer} height={40}>
      {({ items, isCut }) => (
        <ul class="chips">
          {items.filter(isMissed).map(({ meterId }) => (
            <li key={meterId}>
              <a class="chip" href={`/meters/${encodeURIComponent(meterId)}`}>
                {meterId}
              </a>
            </li>
          ))}
          {!isCut ? null : (
            <li>
              <a class="chip" href={all} download>
                {t("way.all")}
              </a>
            </li>
          )}
        </ul>
      )}
    </WithAnswer>
  );
}
