import type { Schemas } from "../api/client.ts";
import { relative } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { count, percent } from "../language/numbers.ts";
import { Figure } from "../look/figure.tsx";

export type HandOver = Schemas["HandOver"];

/** What billing has used of the month, and what it has to correct. */
export function HandOverPanel({ handOver }: { handOver: HandOver }) {
  const { meters, waiting, toCorrect, lines, invoices, newestAt } = handOver;
  return (
    <section class="panel" aria-labelledby="hand-over">
      <div class="panel-head">
        <div>
          <h2 id="hand-over">{t("handOver.title")}</h2>
          <p class="soft">{t("handOver.about")}</p>
        </div>
      </div>
      {meters === 0 ? (
        <p>{t("handOver.none")}</p>
      ) : (
        <>
          <dl class="figures figures-small">
            <Figure
              name={t("handOver.used")}
              value={t("search.count", { count: meters })}
              note={percent(meters / Math.max(1, meters + waiting))}
            />
            <Figure name={t("handOver.waiting")} value={count(waiting)} note="" />
            <Figure
              name={t("handOver.toCorrect")}
              value={count(toCorrect)}
              note={toCorrect === 0 ? "" : t("handOver.toCorrectAbout")}
            />
          </dl>
          <p class="soft">
            {t("handOver.invoices", { invoices, lines })}
            {newestAt === undefined
              ? ""
              : `. ${t("handOver.newest", { at: relative((Date.parse(newestAt) - Date.now()) / 1000) })}`}
          </p>
        </>
      )}
    </section>
  );
}
