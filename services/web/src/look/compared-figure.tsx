import type { Curve } from "../curves/curve.ts";
import { figuresOf, sharedOf } from "../curves/figures.ts";
import { t } from "../language/language.ts";
import { amount, signlessPercent } from "../language/numbers.ts";
import { Figure } from "./figure.tsx";
import { knownAmount } from "./known-amount.ts";

interface ComparedFigureProps {
  readonly name: string;
  readonly curve: Curve;
  readonly compared: Curve;
  /** Another meter, and not another time. */
  readonly isOther?: boolean;
}

/** What a curve is compared with comes to, and how much more or less the curve is where both are known. */
export function ComparedFigure({ name, curve, compared, isOther = false }: ComparedFigureProps) {
  const { own, other, isPart } = sharedOf(curve, compared);
  const value = knownAmount(figuresOf(compared).total, curve.unit);
  if (other === 0) return <Figure name={name} value={value} note="" />;
  const change = own / other - 1;
  const text = t(`figure.${change >= 0 ? "more" : "less"}${isOther ? "Here" : ""}`, {
    share: signlessPercent(Math.abs(change)),
  });
  const note = isPart ? t("figure.shared", { amount: amount(other, curve.unit), change: text }) : text;
  return <Figure name={name} value={value} note={note} />;
}
