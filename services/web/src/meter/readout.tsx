import type { RegisterDot } from "../chart/register-dots.ts";
import { type Curve, overSteps, powerAt, qualityAt } from "../curves/curve.ts";
import type { LoadedCurves } from "../curves/load-curves.ts";
import { day, dayOfWeek, exactTime, time } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { amount, power } from "../language/numbers.ts";
import { compareName } from "./compare-name.ts";

interface ReadoutProps {
  readonly loaded: LoadedCurves;
  readonly step: number | undefined;
  readonly dots: readonly RegisterDot[];
}

/** What is under the pointer, in words: the same line is read out to who walks by keys. */
export function Readout({ loaded, step, dots }: ReadoutProps) {
  const { curve, exported, compared } = loaded;
  if (step === undefined || step >= curve.from.length) return <p class="readout soft">{t("curve.hint")}</p>;
  const [from, to] = [curve.from[step] as number, curve.to[step] as number];
  const dot = dots.find(({ at }) => at === to) ?? dots.find(({ at }) => at >= from && at < to);
  const at = Float64Array.of(from);
  const beside = (other: Curve) => overSteps(at, other)[0] as number;
  return (
    <p class="readout" role="status">
      <span>{spanText(from, to, curve.zone)}</span>
      <strong>{sayValue(curve, step)}</strong>
      {exported === undefined || Number.isNaN(beside(exported)) ? null : (
        <span class="tone-export">{t("curve.exported", { amount: amount(beside(exported), curve.unit) })}</span>
      )}
      {compared.map(({ name, curve: other }) => (
        <span key={String(name)} class="soft">
          {compareName(name)}: {Number.isNaN(beside(other)) ? "–" : amount(beside(other), curve.unit)}
        </span>
      ))}
      {dot === undefined ? null : (
        <span class="soft">
          {t(`dot.${dot.kind}`, { value: amount(dot.value, curve.unit), at: time(dot.at, curve.zone) })}
        </span>
      )}
    </p>
  );
}

function spanText(from: number, to: number, zone: string): string {
  if (to - from > 90_000) return `${day(from, zone)} – ${day(to - 1, zone)}`;
  if (to - from >= 82_800) return dayOfWeek(from, zone);
  return `${exactTime(from, zone).replace(/:00 /, " ")} – ${time(to, zone)}`;
}

function sayValue(curve: Curve, step: number): string {
  const value = curve.value[step] as number;
  const quality = qualityAt(curve, step);
  if (Number.isNaN(value)) return t(`quality.${quality}`);
  const watts = powerAt(curve, step);
  const said = `${amount(value, curve.unit)} · ${power(watts, curve.unit)}`;
  return quality === "actual" ? said : `${said} · ${t(`quality.${quality}`)}`;
}
