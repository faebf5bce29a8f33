import type { Schemas } from "../api/client.ts";
import { t } from "../language/language.ts";
import { signlessPercent } from "../language/numbers.ts";

type Point = Schemas["BalancePoint"];

const [height, stepWidth] = [120, 12];

/** Losses of each step as a share of what was supplied, with the band in which they lie. */
export function LossBars({ items }: { items: readonly Point[] }) {
  const shares = items.map(({ supplied, losses, low, high }) => {
    if (supplied === null || supplied <= 0 || losses === null || low === null || high === null) return undefined;
    return { losses: losses / supplied, low: low / supplied, high: high / supplied };
  });
  const known = shares.filter((share) => share !== undefined);
  if (known.length === 0) return null;
  const top = Math.max(0.01, ...known.map(({ high }) => high));
  const bottom = Math.min(0, ...known.map(({ low }) => low));
  const y = (share: number) => ((top - share) / (top - bottom)) * height;
  const worst = Math.max(...known.map(({ losses }) => losses));
  const label = t("balance.bars", { worst: `${worst < 0 ? "−" : ""}${signlessPercent(Math.abs(worst))}` });
  return (
    <figure class="strip">
      <figcaption class="soft">{label}</figcaption>
      <svg
        class="loss-bars"
        viewBox={`0 0 ${items.length * stepWidth} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={label}
      >
        <line class="loss-zero" x1="0" x2={items.length * stepWidth} y1={y(0)} y2={y(0)} />
        {shares.map((share, i) =>
          share === undefined ? null : (
            <g key={items[i]?.from}>
              <rect
                class="loss-band"
                x={i * stepWidth + 2}
                width={stepWidth - 4}
                y={y(share.high)}
                height={Math.max(0, y(share.low) - y(share.high))}
              />
              <rect
                class="loss-bar"
                x={i * stepWidth + 4}
                width={stepWidth - 8}
                y={Math.min(y(0), y(share.losses))}
                height={Math.max(1, Math.abs(y(share.losses) - y(0)))}
              />
            </g>
          ),
        )}
      </svg>
    </figure>
  );
}
