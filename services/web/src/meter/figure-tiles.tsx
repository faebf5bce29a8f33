import { useMemo } from "preact/hooks";
import { type Figures, figuresOf } from "../curves/figures.ts";
import type { LoadedCurves } from "../curves/load-curves.ts";
import { dateTime, day } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { amount, count, percent, power, signlessPercent } from "../language/numbers.ts";
import { Figure } from "../look/figure.tsx";
import { compareName } from "./compare-name.ts";

export function FigureTiles({ loaded }: { loaded: LoadedCurves }) {
  const { curve, exported, compared, resolution } = loaded;
  const figures = useMemo(() => figuresOf(curve), [curve]);
  const given = useMemo(() => (exported === undefined ? undefined : figuresOf(exported)), [exported]);
  const { unit, zone } = curve;
  const isLong = resolution === "P1D" || resolution === "P1M";
  const peakAt =
    figures.peak === undefined ? "" : isLong ? day(figures.peak.from, zone) : dateTime(figures.peak.from, zone);
  return (
    <dl class="figures">
      <Figure name={t("figure.total")} value={amountOf(figures.total, unit)} note={completeness(figures)} />
      {given === undefined ? null : <Figure name={t("legend.export")} value={amountOf(given.total, unit)} note="" />}
      {compared.map(({ name, curve: other }) => (
        <Compared
          key={String(name)}
          name={compareName(name)}
          isOther={typeof name !== "string"}
          total={figuresOf(other).total}
          own={figures.total}
          unit={unit}
        />
      ))}
      {figures.peak === undefined ? null : (
        <Figure name={t("figure.peak")} value={power(figures.peak.watts, unit)} note={peakAt} />
      )}
      {figures.baseWatts === undefined ? null : (
        <Figure name={t("figure.base")} value={power(figures.baseWatts, unit)} note={t("figure.baseNote")} />
      )}
    </dl>
  );
}

/** What nobody knows is not 0. */
function amountOf(total: number | undefined, unit: string): string {
  return total === undefined ? t("figure.unknown") : amount(total, unit);
}

function completeness({ expected, known, estimated, suspect }: Figures): string {
  if (expected === 0) return t("figure.toCome");
  const parts = [known === expected ? t("figure.whole") : t("figure.part", { share: percent(known / expected) })];
  if (estimated > 0) parts.push(t("figure.estimated", { count: estimated, shown: count(estimated) }));
  if (suspect > 0) parts.push(t("figure.suspect", { count: suspect, shown: count(suspect) }));
  return parts.join(" · ");
}

interface ComparedProps {
  readonly name: string;
  readonly isOther: boolean;
  readonly total: number | undefined;
  readonly own: number | undefined;
  readonly unit: string;
}

function Compared({ name, isOther, total, own, unit }: ComparedProps) {
  const change = own === undefined || total === undefined || total === 0 ? undefined : own / total - 1;
  const note =
    change === undefined
      ? ""
      : t(`figure.${change >= 0 ? "more" : "less"}${isOther ? "Here" : ""}`, {
          share: signlessPercent(Math.abs(change)),
        });
  return <Figure name={name} value={amountOf(total, unit)} note={note} />;
}
