import type { Curve } from "../curves/curve.ts";
import { t } from "../language/language.ts";
import { percent } from "../language/numbers.ts";
import type { LoadedSums } from "./group-curve.ts";

const height = 26;

/** How many of the expected meters each step has: full where all are there, nothing where it has not come yet. */
export function CompletenessStrip({ points, curve }: Pick<LoadedSums, "points"> & { curve: Curve }) {
  if (points.length === 0) return null;
  const now = Date.now() / 1000;
  const shares = points.map(({ present, expected }, i) =>
    (curve.to[i] as number) > now || expected === 0 ? undefined : present / expected,
  );
  const known = shares.filter((share) => share !== undefined);
  const least = known.length === 0 ? 1 : Math.min(...known);
  const path = shares
    .map((share, i) => (share === undefined ? "" : `M${i} ${height}V${(1 - share) * height}h1V${height}Z`))
    .join("");
  const label = t("groups.strip", { least: percent(least) });
  return (
    <figure class="strip">
      <figcaption class="soft">{label}</figcaption>
      <svg viewBox={`0 0 ${points.length} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
        <rect class="strip-missing" width={points.length} height={height} />
        <path class="strip-present" d={path} />
      </svg>
    </figure>
  );
}
