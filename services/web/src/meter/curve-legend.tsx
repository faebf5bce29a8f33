import { otherColours } from "../chart/colours.ts";
import { qualityAt } from "../curves/curve.ts";
import type { LoadedCurves } from "../curves/load-curves.ts";
import { t } from "../language/language.ts";
import { unitSign } from "../language/numbers.ts";
import { compareName } from "./compare-name.ts";

/** Only what is there to be seen. */
export function CurveLegend({ loaded, hasDots }: { loaded: LoadedCurves; hasDots: boolean }) {
  const { curve, exported, compared } = loaded;
  const seen = new Set(Array.from(curve.quality, (_, i) => qualityAt(curve, i)));
  const isEstimated = seen.has("estimated") || seen.has("derived");
  return (
    <ul class="legend">
      <Key
        mark="swatch swatch-accent"
        text={`${exported === undefined ? curve.register : t("legend.import")}, ${unitSign(curve.unit)}`}
      />
      {exported === undefined ? null : <Key mark="swatch swatch-export" text={t("legend.export")} />}
      {isEstimated ? <Key mark="swatch swatch-estimated" text={t("quality.estimated")} /> : null}
      {seen.has("missing") || seen.has("incomplete") ? (
        <Key mark="swatch swatch-missing" text={t("legend.missing")} />
      ) : null}
      {seen.has("suspect") ? <Key mark="swatch swatch-suspect" text={t("quality.suspect")} /> : null}
      {compared.map(({ name }, i) => (
        <li key={String(name)}>
          <i class="swatch swatch-line" style={{ background: `var(--${otherColours[i % otherColours.length]})` }} />
          {compareName(name)}
        </li>
      ))}
      {hasDots ? <Key mark="swatch swatch-dot" text={t("legend.dots")} /> : null}
    </ul>
  );
}

function Key({ mark, text }: { mark: string; text: string }) {
  return (
    <li>
      <i class={mark} />
      {text}
    </li>
  );
}
