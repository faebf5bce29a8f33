/** What the cells of a column are, by its name: the same in every call, so that a program can rely on it. */
export type ColumnKind = "text" | "whole" | "instant";

const whole = new Set([
  ...["revision", "value", "opening", "closing", "consumption", "carried", "estimate_low", "estimate_high"],
  ...["before_value", "after_value", "segment_consumption", "correction", "multiplier"],
  ...["step_seconds", "present", "expected", "estimated", "missing", "asked_times", "digits"],
  ...["kept_value", "refused_value", "kept_revision", "refused_revision", "version", "connection_power_w"],
]);

const instants = new Set([
  ...["at", "from", "to", "boundary", "issued_at", "read_at", "before_at", "after_at", "opening_at", "received_at"],
  ...["replayed_at", "found_at", "repair_at", "mended_at", "acknowledged_at", "installed_at", "removed_at"],
  ...["valid_from", "since", "asked_at", "answered"],
]);

/** Ids, registers and whatever is not known here are text: a spreadsheet must not make a date of `1.8.0`. */
export function columnKind(name: string): ColumnKind {
  return whole.has(name) ? "whole" : instants.has(name) ? "instant" : "text";
}
