import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import type { FleetSettings } from "../meters/fleet-options.ts";
import type { LocalDays } from "../meters/local-days.ts";
import type { Delivery } from "../reports/report-plan.ts";

/** A stretch of a meter's readings: those with `after < at <= until`. */
export interface Span {
  readonly after: number;
  readonly until: number;
}

export interface Answering {
  readonly settings: Pick<FleetSettings, "answers" | "answerLateSeconds">;
  readonly calendar: LocalDays;
  /** The number of a meter of the fleet. */
  readonly numberOf: (meterId: string) => number | undefined;
  /** What the meters have: answers hold nothing from before or after. */
  readonly has: () => Span;
  /** Resolves when it is on its way. */
  readonly send: (delivery: Delivery) => Promise<void>;
  readonly signal: AbortSignal;
}

const request = z.object({
  id: z.string(),
  meterId: z.string(),
  ranges: z.array(z.object({ from: z.iso.datetime({ offset: true }), to: z.iso.datetime({ offset: true }) })).max(100),
});

/** Answers that wait; what comes beyond is not answered. */
const waitingMax = 10_000;

/**
 * Answers what meters are asked on `meters/{id}/requests` as the setting says: with all that is asked, with half of
 * each range, some time later, or not at all. A request that is known by its id is answered once.
 */
export function requestAnswerer(answering: Answering): (payload: Buffer) => void {
  const { settings, signal } = answering;
  const known = new Map<string, string>();
  let waiting = 0;
  let last = Promise.resolve();

  async function answer(meter: number, spans: readonly Span[]): Promise<void> {
    if (settings.answers === "late") await pause(settings.answerLateSeconds * 1000, undefined, { signal });
    last = last.then(async () => {
      for (const delivery of deliveriesOf(answering.calendar, meter, spans))
        if (!signal.aborted) await answering.send(delivery);
    });
    await last;
  }

  return (payload) => {
    const read = request.safeParse(jsonOf(payload));
    if (!read.success || settings.answers === "never" || waiting >= waitingMax) return;
    const { id, meterId, ranges } = read.data;
    const meter = answering.numberOf(meterId);
    if (meter === undefined || known.get(meterId) === id) return;
    known.set(meterId, id);
    waiting += 1;
    const asked = ranges.map(({ from, to }) => ({ after: seconds(from), until: seconds(to) }));
    const spans = joined(asked.map((span) => within(span, answering.has())));
    answer(meter, settings.answers === "partly" ? spans.map(half) : spans)
      // Stopped while it waited: what was not sent is not sent any more.
      .catch(() => undefined)
      .finally(() => (waiting -= 1));
  };
}

function jsonOf(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch {
    return undefined;
  }
}

function seconds(instant: string): number {
  return Math.floor(Date.parse(instant) / 1000);
}

function within({ after, until }: Span, has: Span): Span {
  return { after: Math.max(after, has.after), until: Math.min(until, has.until) };
}

function half({ after, until }: Span): Span {
  return { after, until: after + Math.floor((until - after) / 2) };
}

/** Without what is in another: each register is asked for by itself, and a report has all of them. */
export function joined(spans: readonly Span[]): readonly Span[] {
  const all: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.after - b.after)) {
    const before = all.at(-1);
    if (span.until <= span.after) continue;
    if (before === undefined || span.after > before.until) all.push(span);
    else all[all.length - 1] = { after: before.after, until: Math.max(before.until, span.until) };
  }
  return all;
}

/** A report is of one local day; reports that answer have no number. */
function* deliveriesOf(calendar: LocalDays, meter: number, spans: readonly Span[]): Generator<Delivery> {
  for (const { after, until } of spans) {
    for (let day = calendar.dayAt(after); day.start < until; day = calendar.dayOf(day.index + 1)) {
      const part = { after: Math.max(after, day.start), until: Math.min(until, day.end) };
      const report = { meter, day, ...part, sequence: 0, value: undefined };
      if (part.after < part.until) yield { report, sendAt: part.until, as: "original", fault: undefined };
    }
  }
}
