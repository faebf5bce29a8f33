import { overSteps, qualityAt } from "../curves/curve.ts";
import type { ComparedCurve, LoadedCurves } from "../curves/load-curves.ts";
import { isoOf } from "../time/iso.ts";

/** One step as the table shows it and the download has it. */
export interface StepRow {
  readonly from: number;
  readonly to: number;
  readonly value: number;
  readonly quality: string;
  readonly exported: number;
  readonly compared: readonly number[];
}

export interface StepTable {
  readonly size: number;
  readonly hasExport: boolean;
  readonly compared: readonly ComparedCurve[];
  row(index: number): StepRow;
}

/** The very numbers of the picture, step by step; NaN where nothing is known. */
export function stepTable(loaded: LoadedCurves): StepTable {
  const { curve, exported, compared } = loaded;
  const given = exported === undefined ? undefined : overSteps(curve.from, exported);
  const others = compared.map((one) => overSteps(curve.from, one.curve));
  return {
    size: curve.from.length,
    hasExport: given !== undefined,
    compared,
    row: (i) => ({
      from: curve.from[i] as number,
      to: curve.to[i] as number,
      value: curve.value[i] as number,
      quality: qualityAt(curve, i),
      exported: given?.[i] ?? Number.NaN,
      compared: others.map((values) => values[i] as number),
    }),
  };
}

/** Columns are named as in the API's CSV; what is not known is empty and never 0. */
export function csvOf(loaded: LoadedCurves): string {
  const table = stepTable(loaded);
  const { meterId, register, unit } = loaded.curve;
  const others = table.compared.map(({ name }) => (typeof name === "string" ? `${name}_before` : name.meterId));
  const names = ["meter_id", "register", "unit", "from", "to", "consumption", "quality"];
  const header = [...names, ...(table.hasExport ? ["export"] : []), ...others].join(",");
  const lines = Array.from({ length: table.size }, (_, i) => {
    const { from, to, value, quality, exported, compared } = table.row(i);
    const cells = [meterId, register, unit, isoOf(from), isoOf(to), cell(value), quality === "future" ? "" : quality];
    return [...cells, ...(table.hasExport ? [cell(exported)] : []), ...compared.map(cell)].join(",");
  });
  return `${[header, ...lines].join("\n")}\n`;
}

export function ndjsonOf(loaded: LoadedCurves): string {
  const table = stepTable(loaded);
  const { meterId, register, unit } = loaded.curve;
  const lines = Array.from({ length: table.size }, (_, i) => {
    const { from, to, value, quality, exported, compared } = table.row(i);
    const others: Record<string, number | null> = {};
    table.compared.forEach(({ name }, c) => {
      others[nameOf(name)] = numberOf(compared[c] as number);
    });
    return JSON.stringify({
      ...{ meterId, register, unit, from: isoOf(from), to: isoOf(to), consumption: numberOf(value) },
      quality: quality === "future" ? null : quality,
      ...(table.hasExport ? { export: numberOf(exported) } : {}),
      ...(table.compared.length === 0 ? {} : { compared: others }),
    });
  });
  return `${lines.join("\n")}\n`;
}

function nameOf(name: ComparedCurve["name"]): string {
  return typeof name === "string" ? `${name}Before` : name.meterId;
}

function numberOf(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

function cell(value: number): string {
  return Number.isNaN(value) ? "" : String(value);
}
