import type { Reading } from "../reading/reading.ts";
import { qualityOf } from "../reading/reading.ts";
import type { OpeningBasis, SnapshotQuality } from "../snapshot/snapshot.ts";
import type { Closing } from "./closing/closing.ts";
import type { IssuedClosing, Part, Span } from "./month.ts";
import { hasStanding } from "./row-quality.ts";
import type { ValuationRules } from "./valuation-rules.ts";

/** What a register's month begins with. */
export interface Opening {
  readonly value: number | null;
  readonly at: number | null;
  readonly quality: SnapshotQuality;
  readonly basis: OpeningBasis | null;
}

const noOpening: Opening = { value: null, at: null, quality: "missing", basis: null };

export interface Openings {
  readonly span: Span;
  readonly part: Part;
  readonly previous: IssuedClosing | undefined;
  /** The part goes on from another one of the same month, whose closing is `previous`. */
  readonly isCut?: boolean;
  /** The master data's value of the installation. */
  readonly installed: { readonly at: number; readonly value: number } | undefined;
  /** What the line shows where the part begins. */
  readonly start: Closing | undefined;
  /** The earliest credible reading from there on. */
  readonly first: Reading | undefined;
  /** Whether the register has readings from before. */
  readonly hasPast: boolean;
}

/**
 * The closing before, by reference, where it has standing; else the reading of an installation in this month, the
 * line's own value, an older installation of which nothing came since, or the first reading.
 */
export function openingOf(of: Openings, { snapSeconds }: Pick<ValuationRules, "snapSeconds">): Opening {
  const { span, part, previous, isCut = false, installed, start, first, hasPast } = of;
  const { value = null, valueQuality = "missing" } = previous ?? {};
  if (value !== null && hasStanding(valueQuality) && (isCut || part.from === span.start)) {
    return { value, at: part.from, quality: valueQuality, basis: isCut ? "line" : "previous" };
  }
  const isInstalledNow = installed !== undefined && installed.at >= span.start && installed.at <= part.to;
  const isKnownAtStart = hasPast && start !== undefined && start.value !== null && hasStanding(start.quality);
  if (isKnownAtStart && !isInstalledNow) {
    return { value: start.value, at: part.from, quality: start.quality, basis: "line" };
  }
  if (installed !== undefined && installed.at <= part.to) {
    return { value: installed.value, at: installed.at, quality: "actual", basis: "installation" };
  }
  // What closes the month does not open it too: of what was used before nobody knows anything.
  if (first === undefined || first.at >= part.to - snapSeconds) return noOpening;
  return { value: first.value, at: first.at, quality: qualityOf(first.code), basis: "first-reading" };
}
