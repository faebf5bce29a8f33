import { type Curve, qualityAt } from "../curves/curve.ts";
import { colourOf, type DayGrid, noCell } from "../curves/day-grid.ts";
import { colour, hatch } from "./colours.ts";

interface Heat {
  readonly curve: Curve;
  readonly grid: DayGrid;
  readonly edges: readonly number[];
  readonly ramp: readonly string[];
  readonly height: number;
}

/** A pixel for each half of a cell, made large by the canvas: a year is 70 000 of them. */
export function drawHeat(canvas: HTMLCanvasElement, heat: Heat): void {
  const { days, rows } = heat.grid;
  const ratio = devicePixelRatio;
  canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  canvas.height = Math.round(heat.height * ratio);
  const context = canvas.getContext("2d");
  if (context === null || days.length === 0) return;
  context.fillStyle = hatch(context, colour("missing-line"), colour("missing"));
  context.fillRect(0, 0, canvas.width, canvas.height);
  const small = new OffscreenCanvas(days.length * 2, rows);
  const pixels = new ImageData(days.length * 2, rows);
  paint(new Uint32Array(pixels.data.buffer), heat);
  small.getContext("2d")?.putImageData(pixels, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
}

function paint(pixels: Uint32Array, { curve, grid, edges, ramp }: Heat): void {
  const { days, rows, steps } = grid;
  const shades = Uint32Array.from(ramp, pixelOf);
  const [suspect, ground, hole] = [colour("suspect-line"), colour("panel"), colour("line-strong")].map(pixelOf);
  const width = days.length * 2;
  for (let d = 0; d < days.length; d += 1) {
    for (let row = 0; row < rows; row += 1) {
      for (const half of [0, 1]) {
        const step = steps[(d * rows + row) * 2 + half] as number;
        pixels[row * width + d * 2 + half] = shade(step);
      }
    }
  }

  function shade(step: number): number {
    if (step === noCell.notOnTheClock) return hole as number;
    if (step < 0) return ground as number;
    const value = curve.value[step] as number;
    if (!Number.isNaN(value)) return shades[Math.min(colourOf(edges, value), shades.length - 1)] as number;
    const quality = qualityAt(curve, step);
    // Nothing is painted where nothing is known: the hatching is seen.
    return quality === "suspect" ? (suspect as number) : quality === "future" ? (ground as number) : 0;
  }
}

/** As the bytes of an image have it, red first, on a machine whose lowest byte comes first. */
function pixelOf(text: string): number {
  const hex = /^#(..)(..)(..)$/.exec(text);
  const parts =
    hex === null ? (text.match(/[\d.]+/g) ?? []).map(Number) : hex.slice(1).map((part) => Number.parseInt(part, 16));
  const [red = 0, green = 0, blue = 0] = text.startsWith("color(")
    ? parts.map((part) => Math.round(part * 255))
    : parts;
  return (255 << 24) | (blue << 16) | (green << 8) | red;
}
