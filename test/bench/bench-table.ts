import { cpus, totalmem } from "node:os";

/** One measured figure beside what was asked of it. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The bar of the plan, and which side of it is good. */
  readonly bar?: { readonly atLeast: number } | { readonly atMost: number };
  readonly moonshot?: number;
  readonly note?: string;
}

export function machineLine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  return `${cpus().length} x ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, ${process.platform}`;
}

/** A table for people; the same figures go to a JSON file. */
export function printFigures(figures: readonly Figure[]): void {
  const rows = figures.map((figure) => [
    figure.name,
    `${short(figure.value)} ${figure.unit}`,
    barOf(figure),
    figure.note ?? "",
  ]);
  const head = ["what", "measured", "bar", "note"];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)));
  for (const row of [head, widths.map((width) => "-".repeat(width)), ...rows]) {
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  }
}

function barOf({ bar, moonshot, value }: Figure): string {
  if (bar === undefined) return "";
  const far = moonshot === undefined ? "" : `, moonshot ${short(moonshot)}`;
  if ("atLeast" in bar) return `>= ${short(bar.atLeast)} ${value >= bar.atLeast ? "met" : "MISSED"}${far}`;
  return `<= ${short(bar.atMost)} ${value <= bar.atMost ? "met" : "MISSED"}${far}`;
}

function short(value: number): string {
  return value >= 100
    ? Math.round(value).toLocaleString("en").replaceAll(",", " ")
    : String(Number(value.toPrecision(3)));
}
