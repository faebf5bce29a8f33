import { t } from "../language/language.ts";
import { amount } from "../language/numbers.ts";

/** An amount with its unit, or that nothing of it is known: that is never a zero. */
export function knownAmount(total: number | undefined, unit: string): string {
  return total === undefined ? t("figure.unknown") : amount(total, unit);
}
