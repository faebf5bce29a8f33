import type { RegisterSpec } from "../known-meter.ts";
import type { ValuationRules } from "../valuation-rules.ts";
import { withoutLoneEnds } from "./lone-end.ts";
import type { WeighedPoint } from "./point.ts";
import { type Course, countedBetween, courseOf } from "./v13-register-decreased.ts";

export interface CredibleChain {
  /** By index. */
  readonly isCredible: readonly boolean[];
  /** At the first credible reading behind it: the register went on from elsewhere, and nothing explains it. */
  readonly steps: ReadonlyMap<number, Course>;
}

/**
 * What it costs to leave readings out or to believe in a step. A few readings between two that agree are the cheapest
 * to leave out; one at an end is dearer, because nothing behind it says so; a step is dearer than that, but less than
 * leaving out two at an end.
 */
const costs = { weight: 1000, glitchPerWeight: 0.4, step: 1500 };
/** So far back from a reading the one before it may stand. */
const reachReadingsMax = 100;

/** One way to get to a reading, by the least cost, and among those the smoothest. */
interface Way {
  readonly cost: number;
  readonly roughness: number;
}

/**
 * Which readings of a register can be true together. Looks both ways in time: a spike is told by what follows it as
 * well. The explanation that leaves out least is believed; a reading is credible where every best explanation has it,
 * so what cannot be told apart is left out.
 */
export function credibleChain(
  points: readonly WeighedPoint[],
  spec: RegisterSpec,
  rules: ValuationRules,
): CredibleChain {
  const breaks = breaksUpTo(points, spec, rules);
  const none: CredibleChain = { isCredible: points.map(() => true), steps: new Map() };
  if (points.length === 0 || breaks[points.length - 1] === 0) return none;
  const edges = edgesInto(points, breaks, spec, rules);
  const forward = waysFromStart(points, edges);
  const backward = waysToEnd(points, edges);
  const isCredible = withoutLoneEnds(points, whichStand(points, edges, { forward, backward }, rules), spec, rules);
  return { isCredible, steps: stepsAlong(points, isCredible, spec, rules) };
}

/** How many neighbours up to each reading contradict each other. */
function breaksUpTo(points: readonly WeighedPoint[], spec: RegisterSpec, rules: ValuationRules): number[] {
  let count = 0;
  return points.map((point, index) => {
    const before = points[index - 1];
    if (before !== undefined && countedBetween(before, point, spec, rules) === undefined) count += 1;
    return count;
  });
}

interface Edge extends Way {
  /** -1: from the start. */
  readonly from: number;
  /** `points.length`: to the end. */
  readonly to: number;
}

type Edges = readonly (readonly Edge[])[];

/** All ways from a reading to a later one, by the later one; the end comes last. */
function edgesInto(
  points: readonly WeighedPoint[],
  breaks: readonly number[],
  spec: RegisterSpec,
  rules: ValuationRules,
): Edges {
  const weightUpTo = [0];
  for (const { weight } of points) weightUpTo.push((weightUpTo.at(-1) as number) + weight);
  const skipped = (from: number, to: number) => (weightUpTo[to] as number) - (weightUpTo[from + 1] as number);
  const into: Edge[][] = Array.from({ length: points.length + 1 }, () => []);
  for (let to = 0; to < points.length; to += 1) {
    const edges = into[to] as Edge[];
    for (let from = to - 1; from >= Math.max(0, to - reachReadingsMax); from -= 1) {
      const isNext = from === to - 1;
      // Between readings that do not contradict each other nothing need be left out.
      if (!isNext && breaks[from] === breaks[to]) continue;
      const weight = isNext ? 0 : skipped(from, to);
      // Nor is what lies further back and has all of this between.
      if (!isGlitch(points, { from, to, weight }, rules)) break;
      edges.push({ from, to, ...wayBetween(points, { from, to, weight }, spec, rules) });
    }
    if (to < reachReadingsMax) edges.push({ from: -1, to, cost: skipped(-1, to), roughness: 0 });
  }
  for (let from = Math.max(0, points.length - reachReadingsMax); from < points.length; from += 1) {
    (into[points.length] as Edge[]).push({
      from,
      to: points.length,
      cost: skipped(from, points.length),
      roughness: 0,
    });
  }
  return into;
}

/** What lies between two readings, and how much it counts. */
interface Between {
  readonly from: number;
  readonly to: number;
  readonly weight: number;
}

/** Whether so little lies between two readings that it may be left out. */
function isGlitch(points: readonly WeighedPoint[], { from, to, weight }: Between, rules: ValuationRules): boolean {
  return weight <= rules.glitchReadingsMax * costs.weight || isFrozen(points, from + 1, to);
}

function wayBetween(
  points: readonly WeighedPoint[],
  { from, to, weight }: Between,
  spec: RegisterSpec,
  rules: ValuationRules,
): Way {
  const [earlier, later] = [points[from] as WeighedPoint, points[to] as WeighedPoint];
  const left = Math.min(weight, rules.glitchReadingsMax * costs.weight) * costs.glitchPerWeight;
  const counted = countedBetween(earlier, later, spec, rules);
  if (counted === undefined) return { cost: left + costs.step, roughness: 0 };
  return { cost: left, roughness: (counted * counted) / (later.at - earlier.at) };
}

/** However many: a value that does not move at all says no more than once. */
function isFrozen(points: readonly WeighedPoint[], from: number, to: number): boolean {
  for (let i = from + 1; i < to; i += 1) if (points[i]?.value !== points[from]?.value) return false;
  return true;
}

function waysFromStart(points: readonly WeighedPoint[], edges: Edges): Way[] {
  const ways: Way[] = [];
  for (let to = 0; to <= points.length; to += 1) {
    let best: Way | undefined;
    for (const edge of edges[to] as readonly Edge[]) {
      best = better(best, edge.from < 0 ? edge : plus(ways[edge.from] as Way, edge));
    }
    ways.push(best as Way);
  }
  return ways;
}

function waysToEnd(points: readonly WeighedPoint[], edges: Edges): Way[] {
  const ways: (Way | undefined)[] = Array.from({ length: points.length + 1 }, () => undefined);
  ways[points.length] = { cost: 0, roughness: 0 };
  for (let to = points.length; to >= 0; to -= 1) {
    for (const edge of edges[to] as readonly Edge[]) {
      if (edge.from < 0) continue;
      ways[edge.from] = better(ways[edge.from], plus(ways[to] as Way, edge));
    }
  }
  return ways as Way[];
}

function plus(a: Way, b: Way): Way {
  return { cost: a.cost + b.cost, roughness: a.roughness + b.roughness };
}

function better(a: Way | undefined, b: Way): Way {
  if (a === undefined || b.cost < a.cost) return b;
  return b.cost === a.cost && b.roughness < a.roughness ? b : a;
}

/** Compares, for each reading, the best explanation that has it with the best one that leaves it out. */
function whichStand(
  points: readonly WeighedPoint[],
  edges: Edges,
  { forward, backward }: { readonly forward: readonly Way[]; readonly backward: readonly Way[] },
  rules: ValuationRules,
): boolean[] {
  const without: (Way | undefined)[] = points.map(() => undefined);
  for (const edge of edges.flat()) {
    if (edge.to - edge.from < 2) continue;
    const start = edge.from < 0 ? { cost: 0, roughness: 0 } : (forward[edge.from] as Way);
    const whole = plus(plus(start, edge), backward[edge.to] as Way);
    for (let i = edge.from + 1; i < edge.to; i += 1) without[i] = better(without[i], whole);
  }
  const common = commonRoughness(forward, backward, without);
  return points.map((_, index) => {
    const other = without[index];
    if (other === undefined) return true;
    const own = plus(forward[index] as Way, backward[index] as Way);
    if (own.cost !== other.cost) return own.cost < other.cost;
    return isSmoother(own, other, common[index] as number, rules);
  });
}

/**
 * By reading. What all explanations share says nothing of which is right: the way up to the last reading before that
 * all have, and on from the next.
 */
function commonRoughness(
  forward: readonly Way[],
  backward: readonly Way[],
  without: readonly (Way | undefined)[],
): number[] {
  const total = forward.at(-1) as Way;
  const isShared = (i: number) => (without[i]?.cost ?? Number.POSITIVE_INFINITY) > total.cost;
  const common: number[] = [];
  let head = 0;
  for (let i = 0; i < without.length; i += 1) {
    common.push(head);
    if (isShared(i)) head = (forward[i] as Way).roughness;
  }
  let tail = 0;
  for (let i = without.length - 1; i >= 0; i -= 1) {
    common[i] = (common[i] as number) + tail;
    if (isShared(i)) tail = (backward[i] as Way).roughness;
  }
  return common;
}

function isSmoother(own: Way, other: Way, common: number, { smootherTimesMin }: ValuationRules): boolean {
  return (own.roughness - common) * smootherTimesMin <= other.roughness - common && own.roughness < other.roughness;
}

function stepsAlong(
  points: readonly WeighedPoint[],
  isCredible: readonly boolean[],
  spec: RegisterSpec,
  rules: ValuationRules,
): ReadonlyMap<number, Course> {
  const steps = new Map<number, Course>();
  let before: WeighedPoint | undefined;
  points.forEach((point, index) => {
    if (isCredible[index] !== true) return;
    const course = before === undefined ? "rose" : courseOf(before, point, spec, rules);
    if (course === "fell" || course === "leapt") steps.set(index, course);
    before = point;
  });
  return steps;
}
