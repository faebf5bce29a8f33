import type uPlot from "uplot";
import { colour } from "./colours.ts";

/** A register's reading: a total, so that it has its place in time only and stands on the line of zero. */
export interface RegisterDot {
  readonly at: number;
  readonly value: number;
  /** `monthEnd` is the closing that was issued. */
  readonly kind: "reading" | "monthEnd";
  readonly quality: string;
}

const apart = 7;
const sizes = { reading: 2.25, monthEnd: 5 };

export function drawDots(plot: uPlot, dots: readonly RegisterDot[]): void {
  const { ctx, bbox } = plot;
  const y = plot.valToPos(0, "y", true);
  const ratio = devicePixelRatio;
  const [ink, ground] = [colour("dot"), colour("panel")];
  ctx.save();
  ctx.fillStyle = ink;
  ctx.strokeStyle = ground;
  ctx.lineWidth = 1.5 * ratio;
  let before = Number.NEGATIVE_INFINITY;
  for (const { at, kind } of dots) {
    const x = plot.valToPos(at, "x", true);
    if (x < bbox.left - 1 || x > bbox.left + bbox.width + 1) continue;
    // Readings that cannot be told apart would be a line.
    if (kind === "reading" && x - before < apart * ratio) continue;
    before = x;
    const size = sizes[kind] * ratio;
    ctx.beginPath();
    if (kind === "reading") ctx.arc(x, y, size, 0, 2 * Math.PI);
    else {
      ctx.moveTo(x, y - size);
      ctx.lineTo(x + size, y);
      ctx.lineTo(x, y + size);
      ctx.lineTo(x - size, y);
      ctx.closePath();
      ctx.stroke();
    }
    ctx.fill();
  }
  ctx.restore();
}
