import { theme } from "../look/theme.ts";

const known = new Map<string, string>();

/**
 * A colour of the style sheet as a canvas can use it: what depends on the theme is only known where it is used. To ask
 * costs the browser its styles, and a picture that moves asks for each frame: so once for a theme.
 */
export function colour(name: string): string {
  const key = `${theme.peek()} ${name}`;
  const found = known.get(key) ?? computed(name);
  known.set(key, found);
  return found;
}

function computed(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  probe.hidden = true;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** From little to much. */
const ramps = {
  light: "#eef7e6 #d5eddb #b3e0d2 #88cfc9 #5fbac3 #3f9eb7 #2f80a7 #2a6195 #25457e #1d2b61".split(" "),
  dark: "#15262c #173a46 #184e5c #1b6471 #257c85 #3c9796 #60b1a5 #8fcab5 #c0e1c6 #f3f6d9".split(" "),
};

export function heatRamp(theme: "light" | "dark"): readonly string[] {
  return ramps[theme];
}

/** Of the curves of other meters, apart for those too who see few colours. */
export const otherColours = ["other-1", "other-2", "other-3", "other-4", "other-5", "other-6", "other-7", "other-8"];

/** Slanting lines: nothing is known here. */
export function hatch(context: CanvasRenderingContext2D, stroke: string, ground: string): CanvasPattern | string {
  const size = 8 * devicePixelRatio;
  const tile = new OffscreenCanvas(size, size);
  const lines = tile.getContext("2d");
  if (lines === null) return ground;
  lines.fillStyle = ground;
  lines.fillRect(0, 0, size, size);
  lines.strokeStyle = stroke;
  lines.lineWidth = 1.25 * devicePixelRatio;
  for (const shift of [-size, 0, size]) {
    lines.moveTo(shift, size);
    lines.lineTo(shift + size, 0);
  }
  lines.stroke();
  return context.createPattern(tile, "repeat") ?? ground;
}
