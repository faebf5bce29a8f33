import { useCallback, useMemo, useState } from "preact/hooks";
import { useAnswer } from "../api/use-answer.ts";
import { CurveChart } from "../chart/curve-chart.tsx";
import { figuresOf } from "../curves/figures.ts";
import { registerTitle } from "../curves/register-name.ts";
import { type MeterView, viewQuery } from "../curves/view-state.ts";
import { dateTime } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { amount, count, percent, power } from "../language/numbers.ts";
import { Choice } from "../look/choice.tsx";
import { ComparedFigure } from "../look/compared-figure.tsx";
import { DownloadLinks } from "../look/download-links.tsx";
import { Figure } from "../look/figure.tsx";
import { knownAmount } from "../look/known-amount.ts";
import { lazyPart } from "../look/lazy-part.tsx";
import { ProblemNotice } from "../look/problem-notice.tsx";
import { Skeleton } from "../look/states.tsx";
import { compareName } from "../meter/compare-name.ts";
import { RangeStepper, SpanButtons } from "../meter/view-controls.tsx";
import { isoOf } from "../time/iso.ts";
import { zoneClock } from "../time/zone-clock.ts";
import { CompletenessStrip } from "./completeness-strip.tsx";
import { completenessOf, type Group, groupResolution, type LoadedSums, loadGroup } from "./group-curve.ts";

const StepTableView = lazyPart(
  "step-table",
  async () => (await import("../meter/step-table-view.tsx")).StepTableView,
  460,
);

interface GroupPanelProps {
  readonly group: Group;
  readonly zone: string;
  readonly view: MeterView;
  readonly show: (change: Partial<MeterView>) => void;
}

const resolutions = ["auto", "PT15M", "PT30M", "PT1H", "P1D", "P1M"] as const;

export function GroupPanel(props: GroupPanelProps) {
  const { group, zone, view } = props;
  const register = registerOf(group, view);
  const key = `${group.groupId} ${register}?${viewQuery(view, zoneClock(zone))}`;
  const answer = useAnswer(key, (signal) => loadGroup(group, zone, view, register, signal));
  const { data, problem } = answer;
  return (
    <section class="panel" aria-labelledby="group-curve">
      <h2 id="group-curve" class="unseen">
        {t("curve.title")}
      </h2>
      <Controls {...props} register={register} />
      {problem === undefined ? null : <ProblemNotice problem={problem} again={answer.again} />}
      {data === undefined && problem === undefined ? <Skeleton height={460} /> : null}
      {data === undefined ? null : (
        <div class={answer.isLoading ? "stale" : ""} aria-busy={answer.isLoading}>
          <SumsShown loaded={data} zone={zone} range={view} onRange={props.show} />
        </div>
      )}
    </section>
  );
}

function registerOf({ registers }: Group, view: MeterView): string {
  if (view.register !== undefined) return view.register;
  return registers.includes("1.8.0") ? "1.8.0" : (registers[0] ?? "1.8.0");
}

function Controls({ group, zone, view, show, register }: GroupPanelProps & { register: string }) {
  const meter = { zone };
  const query = `register=${register}&from=${isoOf(view.from)}&to=${isoOf(view.to)}&resolution=${groupResolution(view)}`;
  const download = `/v1/groups/${encodeURIComponent(group.groupId)}/curve?${query}`;
  return (
    <div class="controls">
      <div class="controls-row">
        <RangeStepper meter={meter} view={view} show={show} />
        <SpanButtons meter={meter} view={view} show={show} />
      </div>
      <div class="controls-row">
        {group.registers.length > 1 ? (
          <Choice
            label={t("control.register")}
            value={register}
            options={group.registers.map((one) => [one, registerTitle(one)])}
            choose={(next) => show({ register: next })}
          />
        ) : null}
        <Choice
          label={t("control.resolution")}
          value={view.resolution}
          options={resolutions.map((one) => [one, t(`resolution.${one}`)])}
          choose={(next) => show({ resolution: next as MeterView["resolution"] })}
        />
        <Choice
          label={t("control.compare")}
          value={typeof view.compare === "string" ? view.compare : "none"}
          options={(["none", "month", "year"] as const).map((one) => [one, t(`compare.${one}`)])}
          choose={(next) => show({ compare: next as "none" })}
        />
        <DownloadLinks call={download} />
      </div>
    </div>
  );
}

interface SumsShownProps {
  readonly loaded: LoadedSums;
  readonly zone: string;
  readonly range: Pick<MeterView, "from" | "to">;
  readonly onRange: (range: { from: number; to: number }) => void;
}

/** The curve, of how many meters each step is, and what both come to. */
export function SumsShown({ loaded, zone, range, onRange }: SumsShownProps) {
  const [step, setStep] = useState<number>();
  const { from, to } = range;
  const shown = useMemo(() => ({ from, to }), [from, to]);
  const dots = useMemo(() => [], []);
  const onStep = useCallback((index: number | undefined) => setStep(index), []);
  const label = t("curve.label", { from: dateTime(from, zone), to: dateTime(to, zone) });
  return (
    <>
      <Readout loaded={loaded} step={step} zone={zone} />
      <CurveChart loaded={loaded} range={shown} dots={dots} label={label} onStep={onStep} onRange={onRange} />
      <CompletenessStrip points={loaded.points} curve={loaded.curve} />
      <p class="hint">{t("curve.keys")}</p>
      {loaded.pending === 0 ? null : <p class="notice">{t("groups.pending", { count: loaded.pending })}</p>}
      <Tiles loaded={loaded} zone={zone} />
      <SumsTable loaded={loaded} />
    </>
  );
}

/** The same numbers as text, made when somebody wants them. */
function SumsTable({ loaded }: { loaded: LoadedSums }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="sums-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t("table.label")}</summary>
      {isOpen ? <StepTableView loaded={loaded} counted={loaded.points} /> : null}
    </details>
  );
}

function Readout({ loaded, step, zone }: { loaded: LoadedSums; step: number | undefined; zone: string }) {
  const point = step === undefined ? undefined : loaded.points[step];
  if (point === undefined) return <p class="readout soft">{t("groups.readout")}</p>;
  const { from, to, consumption, present, expected } = point;
  return (
    <p class="readout" role="status">
      {dateTime(from, zone)} – {dateTime(to, zone)}:{" "}
      <strong>{consumption === null ? t("legend.missing") : amount(consumption, loaded.curve.unit)}</strong>{" "}
      {t("groups.of", { present: count(present), expected: count(expected) })}
    </p>
  );
}

function Tiles({ loaded, zone }: { loaded: LoadedSums; zone: string }) {
  const { curve, compared } = loaded;
  const figures = useMemo(() => figuresOf(curve), [curve]);
  const { expected, present, estimated } = completenessOf(loaded);
  const [other] = compared;
  return (
    <dl class="figures">
      <Figure name={t("groups.total")} value={knownAmount(figures.total, curve.unit)} note="" />
      {other === undefined ? null : (
        <ComparedFigure name={compareName(other.name)} curve={curve} compared={other.curve} />
      )}
      <Figure
        name={t("groups.completeness")}
        value={expected === 0 ? "–" : percent(present / expected)}
        note={estimated === 0 || present === 0 ? "" : t("groups.estimated", { share: percent(estimated / present) })}
      />
      {figures.peak === undefined ? null : (
        <Figure
          name={t("figure.peak")}
          value={power(figures.peak.watts, curve.unit)}
          note={dateTime(figures.peak.from, zone)}
        />
      )}
    </dl>
  );
}
