import { api, ask } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { dateTime } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { Icon } from "../look/icon.tsx";
import { WithAnswer } from "../look/states.tsx";

const damagesMax = 100;
const hereZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What cannot be read or is lost, and what helps: in the words of whoever found it. */
export function DamageList() {
  const answer = useAnswer("damage", (signal) =>
    ask(api.GET("/v1/damage", { params: { query: { limit: damagesMax } }, signal })),
  );
  return (
    <section class="panel" aria-labelledby="damage">
      <div class="panel-head">
        <h2 id="damage">{t("damage.title")}</h2>
      </div>
      <WithAnswer answer={answer} height={60}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="clear">
              <Icon name="check" /> {t("damage.none")}
            </p>
          ) : (
            <ul class="entries">
              {items.map(({ id, place, code, where, detail, help, meterId, foundAt, state }) => (
                <li key={id}>
                  <details class="entry">
                    <summary>
                      <code>{code}</code>
                      <span>
                        {place}: {where}
                      </span>
                      <span class="soft">{meterId}</span>
                      <span class="soft">{dateTime(foundAt, hereZone)}</span>
                      <span class="badge">{state}</span>
                    </summary>
                    <p>{detail}</p>
                    <p>
                      <strong>{t("damage.help")}</strong> {help}
                    </p>
                  </details>
                </li>
              ))}
            </ul>
          )
        }
      </WithAnswer>
    </section>
  );
}
