import { useState } from "preact/hooks";
import { registerOf, registersOf } from "../curves/load-curves.ts";
import { registerTitle } from "../curves/register-name.ts";
import {
  dateText,
  instantOf,
  type Resolution,
  resolutions,
  type Span,
  shows,
  spanAround,
  spanOf,
  spans,
  step,
} from "../curves/view-state.ts";
import { days } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { Icon } from "../look/icon.tsx";
import { zoneClock } from "../time/zone-clock.ts";
import { CompareControl } from "./compare-control.tsx";
import type { CurvePanelProps } from "./panel-props.ts";

export function ViewControls(props: CurvePanelProps) {
  const { meter, view, show } = props;
  const registers = registersOf(meter);
  return (
    <div class="controls">
      <div class="controls-row">
        <RangeStepper {...props} />
        <SpanButtons {...props} />
      </div>
      <div class="controls-row">
        {registers.length > 1 ? (
          <label class="choice">
            <span>{t("control.register")}</span>
            <select value={registerOf(meter, view)} onChange={(event) => show({ register: event.currentTarget.value })}>
              {registers.map((register) => (
                <option key={register} value={register}>
                  {registerTitle(register)}
                </option>
              ))}
            </select>
          </label>
        ) : null}
        <label class="choice">
          <span>{t("control.resolution")}</span>
          <select
            value={view.resolution}
            onChange={(event) => show({ resolution: event.currentTarget.value as Resolution })}
          >
            {(["auto", ...resolutions] as const).map((resolution) => (
              <option key={resolution} value={resolution}>
                {t(`resolution.${resolution}`)}
              </option>
            ))}
          </select>
        </label>
        <CompareControl {...props} />
      </div>
    </div>
  );
}

/** What is looked at, in its own zone. */
interface RangeProps extends Pick<CurvePanelProps, "view" | "show"> {
  readonly meter: Pick<CurvePanelProps["meter"], "zone">;
}

export function RangeStepper({ meter, view, show }: RangeProps) {
  const clock = zoneClock(meter.zone);
  const [isOpen, setOpen] = useState(false);
  const { from, to } = view;
  const last = to - 1;
  const text = days(from, last, meter.zone);
  return (
    <div class="range">
      <button
        type="button"
        class="button button-icon"
        aria-label={t("control.before")}
        onClick={() => show(step(view, -1, clock))}
      >
        <Icon name="left" />
      </button>
      <button type="button" class="button range-text" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {text} <Icon name="down" />
      </button>
      <button
        type="button"
        class="button button-icon"
        aria-label={t("control.after")}
        onClick={() => show(step(view, 1, clock))}
      >
        <Icon name="right" />
      </button>
      {isOpen ? <RangeForm meter={meter} view={view} show={show} done={() => setOpen(false)} /> : null}
    </div>
  );
}

function RangeForm({ meter, view, show, done }: RangeProps & { done: () => void }) {
  const clock = zoneClock(meter.zone);
  const [first, setFirst] = useState(dateText(view.from, clock));
  const [last, setLast] = useState(dateText(view.to - 1, clock));
  const submit = (event: Event) => {
    event.preventDefault();
    const [from, to] = [instantOf(first, clock), instantOf(last, clock)];
    if (from === undefined || to === undefined) return;
    show({ from: Math.min(from, to), to: clock.addDays(Math.max(from, to), 1) });
    done();
  };
  return (
    <form class="range-form panel" onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && done()}>
      <label class="field">
        <span>{t("control.first")}</span>
        <input type="date" required value={first} onInput={(event) => setFirst(event.currentTarget.value)} />
      </label>
      <label class="field">
        <span>{t("control.last")}</span>
        <input type="date" required value={last} min={first} onInput={(event) => setLast(event.currentTarget.value)} />
      </label>
      <button type="submit" class="button button-main">
        {t("control.show")}
      </button>
    </form>
  );
}

export function SpanButtons({ meter, view, show }: RangeProps) {
  const clock = zoneClock(meter.zone);
  const now = spanOf(view, clock);
  const around = (span: Span) => {
    const today = Date.now() / 1000;
    return spanAround(span, Math.min(view.to - 1, Math.max(view.from, today)), clock);
  };
  return (
    <div class="segments" role="group" aria-label={t("control.span")}>
      {spans.map((span) => (
        <button key={span} type="button" aria-pressed={span === now} onClick={() => show(around(span))}>
          {t(`span.${span}`)}
        </button>
      ))}
    </div>
  );
}

export function ShowTabs({ view, show }: Pick<CurvePanelProps, "view" | "show">) {
  return (
    <div class="segments" role="group" aria-label={t("control.shown")}>
      {shows.map((one) => (
        <button key={one} type="button" aria-pressed={one === view.show} onClick={() => show({ show: one })}>
          {t(`show.${one}`)}
        </button>
      ))}
    </div>
  );
}
