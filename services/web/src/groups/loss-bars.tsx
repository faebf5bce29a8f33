import type { Schemas } from "../api/client.ts";
import { axisDate, day } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { signlessPercent } from "../language/numbers.ts";

type Point = Schemas["BalancePoint"];

const [height, stepWidth] = [120, 12];
/** More of them would overlap on a telephone. */
const daysNamedMax = 5;

/** Losses of each step as a share of what was supplied, with the band in which they lie. */
export function LossBars({ items, zone }: { items: readonly Point[]; zone: string }) {
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
  const label = t("balance.bars", { worst: shareText(worst) });
  const every = Math.ceil(items.length / daysNamedMax);
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
              <title>{`${day(items[i]?.from ?? 0, zone)}: ${shareText(share.losses)}`}</title>
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
      <div class="strip-days soft" aria-hidden="true">
        {items.map(({ from }, i) =>
          i % every === 0 ? (
            <span key={from} style={{ left: `${((i + 0.5) / items.length) * 100}%` }}>
              {axisDate(Date.parse(from) / 1000, zone, { day: "numeric", month: "short" })}
            </span>
          ) : null,
        )}
      </div>
    </figure>
  );
}

function shareText(share: number): string {
  return `${share < 0 ? "−" : ""}${signlessPercent(Math.abs(share))}`;
}
