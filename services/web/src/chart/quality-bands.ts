import type uPlot from "uplot";
import { type Curve, type Quality, qualityAt } from "../curves/curve.ts";
import { colour, hatch } from "./colours.ts";

export interface Band {
  readonly from: number;
  readonly to: number;
  readonly kind: "missing" | "suspect";
}

/** Stretches of a curve of which no amount is known, as long as they are: what is missing is seen and is no zero. */
export function bandsOf(curve: Curve): readonly Band[] {
  const bands: { from: number; to: number; kind: Band["kind"] }[] = [];
  for (let i = 0; i < curve.from.length; i += 1) {
    if (!Number.isNaN(curve.value[i])) continue;
    const kind = kindOf(qualityAt(curve, i));
    if (kind === undefined) continue;
    const [from, to] = [curve.from[i] as number, curve.to[i] as number];
    const last = bands.at(-1);
    if (last !== undefined && last.kind === kind && last.to === from) last.to = to;
    else bands.push({ from, to, kind });
  }
  return bands;
}

function kindOf(quality: Quality): Band["kind"] | undefined {
  if (quality === "future") return undefined;
  return quality === "suspect" ? "suspect" : "missing";
}

const widthMin = 2;

type Patterns = Readonly<Record<Band["kind"], CanvasPattern | string>>;

/** Draws them under the curve, over the whole height; the patterns are made once. */
export function bandDrawing(bands: readonly Band[]): (plot: uPlot) => void {
  let patterns: Patterns | undefined;
  return (plot) => {
    if (bands.length === 0) return;
    patterns ??= {
      missing: hatch(plot.ctx, colour("missing-line"), colour("missing")),
      suspect: hatch(plot.ctx, colour("suspect-line"), colour("suspect-soft")),
    };
    drawBands(plot, bands, patterns);
  };
}

function drawBands(plot: uPlot, bands: readonly Band[], patterns: Patterns): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const { from, to, kind } of bands) {
    const [left, right] = [plot.valToPos(from, "x", true), plot.valToPos(to, "x", true)];
    ctx.fillStyle = patterns[kind];
    ctx.fillRect(left, bbox.top, Math.max(widthMin, right - left), bbox.height);
  }
  ctx.restore();
}
