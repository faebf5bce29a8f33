import { useState } from "preact/hooks";
import { api, ask, type Schemas } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { t } from "../language/language.ts";
import { Choice } from "../look/choice.tsx";
import { ProblemNotice } from "../look/problem-notice.tsx";
import { Skeleton } from "../look/states.tsx";
import { isoOf } from "../time/iso.ts";
import { zoneClock } from "../time/zone-clock.ts";
import { curveOfSums, type LoadedSums } from "./group-curve.ts";
import { SumsShown } from "./group-panel.tsx";

const idsMax = 1000;
const spansInDays = { "7": 7, "31": 31, "62": 62 } as const;
type Days = keyof typeof spansInDays;

interface Asked {
  readonly ids: readonly string[];
  readonly days: Days;
  readonly range?: { readonly from: number; readonly to: number };
}

/** Meters or usage points whose numbers are pasted, summed when asked. */
export function ListSum() {
  const [text, setText] = useState("");
  const [days, setDays] = useState<Days>("7");
  const [asked, setAsked] = useState<Asked>();
  const ids = [...new Set(text.split(/[\s,;]+/).filter((id) => id !== ""))];
  const submit = (event: Event) => {
    event.preventDefault();
    if (ids.length > 0 && ids.length <= idsMax) setAsked({ ids, days });
  };
  return (
    <section class="panel" aria-labelledby="list-sum">
      <div class="panel-head">
        <div>
          <h2 id="list-sum">{t("listSum.title")}</h2>
          <p class="soft">{t("listSum.about")}</p>
        </div>
      </div>
      <form onSubmit={submit} class="list-sum">
        <label class="field">
          <span>{t("listSum.ids")}</span>
          <textarea rows={3} value={text} spellcheck={false} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <div class="row">
          <Choice
            label={t("listSum.days")}
            value={days}
            options={Object.keys(spansInDays).map((one) => [one, t("listSum.last", { count: Number(one) })])}
            choose={(next) => setDays(next as Days)}
          />
          <button type="submit" class="button button-main" disabled={ids.length === 0 || ids.length > idsMax}>
            {t("listSum.sum")}
          </button>
          <span class="soft" role="status">
            {ids.length > idsMax
              ? t("listSum.tooMany", { most: idsMax, count: ids.length })
              : ids.length > 0
                ? t("listSum.count", { count: ids.length })
                : ""}
          </span>
        </div>
      </form>
      {asked === undefined ? null : <Result asked={asked} zoom={(range) => setAsked({ ...asked, range })} />}
    </section>
  );
}

function Result({ asked, zoom }: { asked: Asked; zoom: (range: { from: number; to: number }) => void }) {
  const answer = useAnswer(JSON.stringify(asked), (signal) => load(asked, signal));
  const { data, problem } = answer;
  if (problem !== undefined) return <ProblemNotice problem={problem} again={answer.again} />;
  if (data === undefined) return <Skeleton height={420} />;
  const { loaded, told } = data;
  return (
    <div class={answer.isLoading ? "stale" : ""} aria-busy={answer.isLoading}>
      <p role="status">
        {t("listSum.found", { count: told.meters })}
        {told.unknown.length === 0 ? "" : ` ${t("listSum.unknown", { ids: told.unknown.slice(0, 20).join(", ") })}`}
      </p>
      <SumsShown loaded={loaded} zone={told.zone} range={loaded} onRange={zoom} />
    </div>
  );
}

async function load(
  { ids, days, range: wanted }: Asked,
  signal: AbortSignal,
): Promise<{ loaded: LoadedSums; told: Schemas["ListCurve"] }> {
  const periods = await ask(api.GET("/v1/periods", { signal }));
  const clock = zoneClock(periods.items[0]?.zone ?? "UTC");
  const tomorrow = clock.addDays(clock.dayOf(Date.now() / 1000), 1);
  const range = wanted ?? { from: clock.addDays(tomorrow, -spansInDays[days]), to: tomorrow };
  const resolution = "PT1H" as const;
  const body = { ids: [...ids], register: "1.8.0", from: isoOf(range.from), to: isoOf(range.to), resolution };
  const told = await ask(api.POST("/v1/groups:curve", { body, signal }));
  const curve = curveOfSums("", told, Date.now() / 1000);
  const nothing = { exported: undefined, compared: [], failed: [], pending: 0 };
  return { loaded: { curve, points: told.items, resolution, ...nothing, ...range }, told };
}
