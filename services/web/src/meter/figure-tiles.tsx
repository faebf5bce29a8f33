import { useMemo } from "preact/hooks";
import { type Figures, figuresOf } from "../curves/figures.ts";
import type { LoadedCurves } from "../curves/load-curves.ts";
import { dateTime, day } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { count, percent, power } from "../language/numbers.ts";
import { ComparedFigure } from "../look/compared-figure.tsx";
import { Figure } from "../look/figure.tsx";
import { knownAmount } from "../look/known-amount.ts";
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
      <Figure name={t("figure.total")} value={knownAmount(figures.total, unit)} note={completeness(figures)} />
      {given === undefined ? null : <Figure name={t("legend.export")} value={knownAmount(given.total, unit)} note="" />}
      {compared.map(({ name, curve: other }) => (
        <ComparedFigure
          key={String(name)}
          name={compareName(name)}
          isOther={typeof name !== "string"}
          curve={curve}
          compared={other}
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

function completeness({ expected, known, estimated, suspect }: Figures): string {
  if (expected === 0) return t("figure.toCome");
  const parts = [known === expected ? t("figure.whole") : t("figure.part", { share: percent(known / expected) })];
  if (estimated > 0) parts.push(t("figure.estimated", { count: estimated, shown: count(estimated) }));
  if (suspect > 0) parts.push(t("figure.suspect", { count: suspect, shown: count(suspect) }));
  return parts.join(" · ");
}
