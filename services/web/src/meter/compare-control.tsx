import { useState } from "preact/hooks";
import { othersMax } from "../curves/view-state.ts";
import { t } from "../language/language.ts";
import { Icon } from "../look/icon.tsx";
import type { CurvePanelProps } from "./panel-props.ts";

/** Nothing, the month or year before, or other meters whose numbers are typed or pasted. */
export function CompareControl({ view, show }: CurvePanelProps) {
  const { compare } = view;
  const [isAsking, setAsking] = useState(false);
  const others = typeof compare === "string" ? [] : compare;
  const value = others.length > 0 || isAsking ? "others" : compare;
  const choose = (next: string) => {
    setAsking(next === "others");
    if (next === "none" || next === "month" || next === "year") show({ compare: next });
  };
  return (
    <>
      <label class="choice">
        <span>{t("control.compare")}</span>
        <select value={value as string} onChange={(event) => choose(event.currentTarget.value)}>
          {(["none", "month", "year", "others"] as const).map((one) => (
            <option key={one} value={one}>
              {t(`compare.${one}`)}
            </option>
          ))}
        </select>
      </label>
      {value === "others" ? (
        <OtherMeters others={others} set={(next) => show({ compare: next.length === 0 ? "none" : next })} />
      ) : null}
    </>
  );
}

function OtherMeters({ others, set }: { others: readonly string[]; set: (others: readonly string[]) => void }) {
  const [text, setText] = useState("");
  const add = (event: Event) => {
    event.preventDefault();
    const typed = text.split(/[\s,;]+/).filter((id) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(id));
    if (typed.length > 0) set([...new Set([...others, ...typed])].slice(0, othersMax));
    setText("");
  };
  return (
    <form class="others" onSubmit={add}>
      {others.map((meterId) => (
        <span key={meterId} class="chip chip-shut">
          <a href={`/meters/${encodeURIComponent(meterId)}`}>{meterId}</a>
          <button
            type="button"
            aria-label={t("compare.without", { meterId })}
            onClick={() => set(others.filter((one) => one !== meterId))}
          >
            <Icon name="close" />
          </button>
        </span>
      ))}
      {others.length < othersMax ? (
        <input
          type="text"
          aria-label={t("compare.add", { most: othersMax })}
          placeholder={t("compare.add", { most: othersMax })}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onBlur={add}
        />
      ) : null}
    </form>
  );
}
