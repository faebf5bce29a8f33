import { useCallback, useMemo, useState } from "preact/hooks";
import { useAnswer } from "../api/use-answer.ts";
import { CurveChart } from "../chart/curve-chart.tsx";
import { type LoadedCurves, loadCurves, registerOf } from "../curves/load-curves.ts";
import { spanAround, viewQuery } from "../curves/view-state.ts";
import { dateTime } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { lazyPart } from "../look/lazy-part.tsx";
import { ProblemNotice } from "../look/problem-notice.tsx";
import { Skeleton } from "../look/states.tsx";
import { zoneClock } from "../time/zone-clock.ts";
import { CurveLegend } from "./curve-legend.tsx";
import { Downloads } from "./downloads.tsx";
import { FigureTiles } from "./figure-tiles.tsx";
import { loadDots } from "./load-dots.ts";
import type { CurvePanelProps } from "./panel-props.ts";
import { Readout } from "./readout.tsx";
import { ShowTabs, ViewControls } from "./view-controls.tsx";

// Who comes sees the curve first.
const HeatMap = lazyPart("heat-map", async () => (await import("../chart/heat-map.tsx")).HeatMap, 460);
const DurationChart = lazyPart(
  "duration",
  async () => (await import("../chart/duration-chart.tsx")).DurationChart,
  360,
);
const TypicalWeek = lazyPart("typical-week", async () => (await import("../chart/typical-week.tsx")).TypicalWeek, 460);
const StepTableView = lazyPart("step-table", async () => (await import("./step-table-view.tsx")).StepTableView, 460);

export function CurvePanel({ meter, view, show }: CurvePanelProps) {
  const key = `${meter.meterId}?${viewQuery(view, zoneClock(meter.zone))}`;
  const answer = useAnswer(key, (signal) => loadCurves(meter, view, signal));
  const { data, problem } = answer;
  return (
    <section class="panel" aria-labelledby="curve-title">
      <h2 id="curve-title" class="unseen">
        {t("curve.title")}
      </h2>
      <ViewControls meter={meter} view={view} show={show} />
      <div class="panel-row">
        <ShowTabs view={view} show={show} />
        {data === undefined ? null : <Downloads loaded={data} />}
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} again={answer.again} />}
      {data === undefined && problem === undefined ? <Skeleton height={460} /> : null}
      {data === undefined ? null : (
        <div class={answer.isLoading ? "stale" : ""} aria-busy={answer.isLoading}>
          {data.failed.map(({ meterId, problem: why }) => (
            <p key={meterId} class="notice">
              {meterId}: {why.message}
            </p>
          ))}
          <Shown meter={meter} view={view} show={show} loaded={data} />
          <FigureTiles loaded={data} />
        </div>
      )}
    </section>
  );
}

interface ShownProps extends CurvePanelProps {
  readonly loaded: LoadedCurves;
}

function Shown({ meter, view, show, loaded }: ShownProps) {
  const stepSeconds = loaded.resolution === "PT1H" ? 3600 : loaded.resolution === "PT30M" ? 1800 : 900;
  const isLong = loaded.resolution === "P1D" || loaded.resolution === "P1M";
  const clock = zoneClock(meter.zone);
  if (isLong && view.show !== "curve" && view.show !== "table") return <p class="notice">{t("show.tooLong")}</p>;
  if (view.show === "heat")
    return (
      <HeatMap
        curve={loaded.curve}
        stepSeconds={stepSeconds}
        onDay={(day) => show({ ...spanAround("day", day, clock), show: "curve" })}
      />
    );
  if (view.show === "duration") return <DurationChart curve={loaded.curve} />;
  if (view.show === "typical") return <TypicalWeek curve={loaded.curve} stepSeconds={stepSeconds} />;
  if (view.show === "table") return <StepTableView loaded={loaded} />;
  return <CurveShown meter={meter} view={view} show={show} loaded={loaded} />;
}

function CurveShown({ meter, view, show, loaded }: ShownProps) {
  const [step, setStep] = useState<number>();
  const register = registerOf(meter, view) as string;
  const { from, to } = view;
  const dots = useAnswer(`${meter.meterId} ${register} ${from} ${to}`, (signal) =>
    loadDots({ meterId: meter.meterId, register, from, to }, signal),
  );
  const known = useMemo(() => dots.data ?? [], [dots.data]);
  const range = useMemo(() => ({ from, to }), [from, to]);
  const onStep = useCallback((index: number | undefined) => setStep(index), []);
  const label = t("curve.label", { from: dateTime(from, meter.zone), to: dateTime(to, meter.zone) });
  return (
    <>
      <Readout loaded={loaded} step={step} dots={known} />
      <CurveChart
        loaded={loaded}
        range={range}
        dots={known}
        label={label}
        onStep={onStep}
        onRange={(next) => show(next)}
      />
      <CurveLegend loaded={loaded} hasDots={known.length > 0} />
      <p class="hint">{t("curve.keys")}</p>
    </>
  );
}
