import { useState } from "preact/hooks";
import { api, ask } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { t } from "../language/language.ts";
import { count } from "../language/numbers.ts";
import { WithAnswer } from "../look/states.tsx";

interface MetersOfQualityProps {
  readonly period: string;
  readonly quality: "missing" | "suspect" | "incomplete" | "estimated";
  readonly rows: number;
}

const metersMax = 100;

/** How many rows are so, what that means, and on a click which meters they are. */
export function MetersOfQuality({ period, quality, rows }: MetersOfQualityProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <i class={`mark mark-${quality}`} />
        <strong>{t(`way.${quality}`, { count: rows, shown: count(rows) })}</strong>
      </summary>
      <p>{t(`way.${quality}.help`)}</p>
      {isOpen ? <Meters period={period} quality={quality} /> : null}
    </details>
  );
}

function Meters({ period, quality }: Pick<MetersOfQualityProps, "period" | "quality">) {
  const answer = useAnswer(`${period} ${quality}`, (signal) =>
    ask(api.GET("/v1/snapshots", { params: { query: { period, quality, limit: metersMax } }, signal })),
  );
  return (
    <WithAnswer answer={answer} height={40}>
      {({ items, nextCursor }) => (
        <ul class="chips">
          {items.map(({ meterId }) => (
            <li key={meterId}>
              <a class="chip" href={`/meters/${encodeURIComponent(meterId)}/months/${period}`}>
                {meterId}
              </a>
            </li>
          ))}
          {nextCursor === undefined ? null : (
            <li>
              <a class="chip" href={`/v1/snapshots?period=${period}&quality=${quality}&format=csv`} download>
                {t("way.all")}
              </a>
            </li>
          )}
        </ul>
      )}
    </WithAnswer>
  );
}
