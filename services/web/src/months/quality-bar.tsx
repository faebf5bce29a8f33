import { t } from "../language/language.ts";
import { count, percent } from "../language/numbers.ts";

export const rowQualities = ["actual", "derived", "estimated", "suspect", "incomplete", "missing"] as const;
export type ByQuality = Partial<Record<(typeof rowQualities)[number], number>>;

/** Shares of rows by how good they are: the bar for the eye, the words for everybody. */
export function QualityBar({ byQuality }: { byQuality: ByQuality }) {
  const { total, parts } = partsOf(byQuality);
  if (total === 0) return null;
  const label = parts.map(({ quality, rows }) => `${t(`quality.${quality}`)} ${percent(rows / total)}`).join(", ");
  return (
    <div class="bar-share" role="img" aria-label={label} title={label}>
      {parts.map(({ quality, rows }) => (
        <i key={quality} class={`fill-${quality}`} style={{ flexGrow: rows }} />
      ))}
    </div>
  );
}

export function QualityCounts({ byQuality }: { byQuality: ByQuality }) {
  const { total, parts } = partsOf(byQuality);
  return (
    <ul class="counts">
      {parts.map(({ quality, rows }) => (
        <li key={quality}>
          <i class={`mark mark-${quality}`} />
          <span>{t(`quality.${quality}`)}</span>
          <strong>{percent(rows / total)}</strong>
          <span class="soft">{count(rows)}</span>
        </li>
      ))}
    </ul>
  );
}

function partsOf(byQuality: ByQuality) {
  const parts = rowQualities.flatMap((quality) => {
    const rows = byQuality[quality] ?? 0;
    return rows === 0 ? [] : [{ quality, rows }];
  });
  return { parts, total: parts.reduce((sum, { rows }) => sum + rows, 0) };
}
