import { useState } from "preact/hooks";
import { allPages } from "../api/all-pages.ts";
import { api, ask } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { t } from "../language/language.ts";
import { count } from "../language/numbers.ts";
import { WithAnswer } from "../look/states.tsx";
import { may } from "../session/session.ts";

const metersMax = 100;

/** How many meters nobody waits for and nobody has heard of, and on a click which. */
export function SilentMeters({ meters }: { meters: number }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <i class="mark mark-missing" />
        <strong>{t("way.silent", { count: meters, shown: count(meters) })}</strong>
      </summary>
      <p>{t("way.silent.help")}</p>
      {isOpen && may("billing", "analyst", "operator") ? <Meters /> : null}
    </details>
  );
}

function Meters() {
  const query = { registered: true, reported: false, installed: false };
  // A page may be short where most meters are passed over.
  const answer = useAnswer("silent", (signal) =>
    allPages((page) => ask(api.GET("/v1/meters", { params: { query: { ...query, ...page } }, signal })), metersMax),
  );
  const all = "/v1/meters?registered=true&reported=false&installed=false&format=csv";
  return (
    <WithAnswer answer={answer} height={40}>
      {({ items, isCut }) => (
        <ul class="chips">
          {items.map(({ meterId }) => (
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
