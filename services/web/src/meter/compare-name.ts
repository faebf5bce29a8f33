import type { ComparedCurve } from "../curves/load-curves.ts";
import { t } from "../language/language.ts";

/** What a curve beside the page's own is called: another meter, or another time. */
export function compareName(name: ComparedCurve["name"]): string {
  return typeof name === "string" ? t(`compare.${name}`) : name.meterId;
}
