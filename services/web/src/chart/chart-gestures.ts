import type uPlot from "uplot";
import type { ChartData } from "./chart-data.ts";

interface Range {
  readonly from: number;
  readonly to: number;
}

interface Gestures {
  readonly data: ChartData;
  readonly range: Range;
  readonly onStep: (index: number | undefined) => void;
  readonly onRange: (range: { from: number; to: number }) => void;
}

const pixelsMin = 6;
const zoomFactor = 2;
const panShare = 0.5;

/**
 * Zoom by dragging over a stretch, pan by dragging with Shift, and all of it by keys: arrows walk over the steps, `+`
 * and `-` zoom at the cursor, Shift with an arrow pans. Answers how to let go.
 */
export function takeGestures(place: HTMLElement, plot: uPlot, gestures: Gestures): () => void {
  const { data, onRange } = gestures;
  const over = plot.over;
  const onSelect = () => {
    const { left, width } = plot.select;
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (width < pixelsMin) return;
    const [first, last] = [stepUnder(plot, data, left), stepUnder(plot, data, left + width)];
    onRange({ from: data.from[first] as number, to: data.to[last] as number });
  };
  plot.hooks.setSelect = [onSelect];
  const leavePan = takePan(over, plot, onRange);
  const onKey = keyboard(plot, gestures);
  place.addEventListener("keydown", onKey);
  return () => {
    leavePan();
    place.removeEventListener("keydown", onKey);
  };
}

function stepUnder(plot: uPlot, { from }: ChartData, left: number): number {
  const at = plot.posToVal(left, "x");
  let index = plot.valToIdx(at);
  if ((from[index] as number) > at && index > 0) index -= 1;
  return index;
}

/** The picture follows the pointer over what is loaded; the rest comes when it is let go. */
function takePan(over: HTMLElement, plot: uPlot, onRange: Gestures["onRange"]): () => void {
  let begun: { x: number; min: number; max: number } | undefined;
  const onDown = (event: MouseEvent) => {
    if (!event.shiftKey && event.button !== 1) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { min = 0, max = 1 } = plot.scales["x"] as { min?: number; max?: number };
    begun = { x: event.clientX, min, max };
  };
  const onMove = (event: MouseEvent) => {
    if (begun === undefined) return;
    event.stopImmediatePropagation();
    plot.setScale("x", moved(begun, event, over));
  };
  const onUp = (event: MouseEvent) => {
    if (begun === undefined) return;
    const { min, max } = moved(begun, event, over);
    const isMoved = Math.abs(event.clientX - begun.x) >= pixelsMin;
    begun = undefined;
    if (isMoved) onRange(wholeQuarters(min, max));
  };
  over.addEventListener("mousedown", onDown, true);
  addEventListener("mousemove", onMove, true);
  addEventListener("mouseup", onUp, true);
  return () => {
    over.removeEventListener("mousedown", onDown, true);
    removeEventListener("mousemove", onMove, true);
    removeEventListener("mouseup", onUp, true);
  };
}

function moved({ x, min, max }: { x: number; min: number; max: number }, event: MouseEvent, over: HTMLElement) {
  const by = ((x - event.clientX) / over.clientWidth) * (max - min);
  return { min: min + by, max: max + by };
}

function keyboard(plot: uPlot, { data, range, onStep, onRange }: Gestures): (event: KeyboardEvent) => void {
  let index: number | undefined;
  const last = data.from.length - 1;
  const go = (to: number) => {
    index = Math.max(0, Math.min(last, to));
    const left = plot.valToPos(((data.from[index] as number) + (data.to[index] as number)) / 2, "x");
    plot.setCursor({ left, top: 10 }, false);
    onStep(index);
  };
  const zoom = (factor: number) => {
    const middle = index === undefined ? (range.from + range.to) / 2 : (data.from[index] as number);
    const half = ((range.to - range.from) * factor) / 2;
    onRange(wholeQuarters(middle - half, middle + half));
  };
  const pan = (by: number) => {
    const shift = (range.to - range.from) * panShare * by;
    onRange(wholeQuarters(range.from + shift, range.to + shift));
  };
  const keys: Record<string, () => void> = {
    ArrowLeft: () => go((index ?? last + 1) - 1),
    ArrowRight: () => go((index ?? -1) + 1),
    PageUp: () => go((index ?? 0) - 96),
    PageDown: () => go((index ?? 0) + 96),
    Home: () => go(0),
    End: () => go(last),
    "+": () => zoom(1 / zoomFactor),
    "=": () => zoom(1 / zoomFactor),
    "-": () => zoom(zoomFactor),
    Escape: () => onStep(undefined),
  };
  const shifted: Record<string, () => void> = { ArrowLeft: () => pan(-1), ArrowRight: () => pan(1) };
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || last < 0) return;
    const act = (event.shiftKey ? shifted[event.key] : undefined) ?? keys[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  };
}

const quarterSeconds = 900;

function wholeQuarters(from: number, to: number): { from: number; to: number } {
  const start = Math.round(from / quarterSeconds) * quarterSeconds;
  return { from: start, to: Math.max(start + 4 * quarterSeconds, Math.round(to / quarterSeconds) * quarterSeconds) };
}
