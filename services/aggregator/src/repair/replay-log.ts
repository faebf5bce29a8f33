import { setImmediate } from "node:timers/promises";
import { readingAt } from "@meterbook/core/domain/reading/reading";
import type { LogFrame, LogHistory } from "@meterbook/core/ports/readings-log";
import type { DamagedSpan } from "@meterbook/core/ports/series-store";
import { decodeReports } from "../apply/decode-reports.ts";
import { type ReadingFold, readingFold } from "../apply/fold-readings.ts";
import { channelOf, type MeterState } from "../remember/meter-state.ts";

/** What the log says of some spans of some meters. */
export interface Replay {
  /** Reads up to an offset, giving others their turn; may be called again for what came since. */
  through(offset: number): Promise<void>;
  /** What has come into effect by the log alone, and whether that is all that ever came. */
  of(meter: MeterState, span: DamagedSpan): { readonly fold: ReadingFold; readonly isWhole: boolean } | undefined;
}

export type Spans = ReadonlyMap<string, readonly DamagedSpan[]>;

/** Nothing is taken in that is dated further ahead than a day; what clocks disagree is an hour at most. */
const aheadSecondsMax = 25 * 3600;

interface Wanted {
  readonly span: DamagedSpan;
  readonly fold: ReadingFold;
}

export async function replayLog(history: LogHistory, spans: Spans, closing: AbortSignal): Promise<Replay> {
  const earliest = Math.min(...[...spans.values()].flat().map(({ from }) => from)) - aheadSecondsMax;
  const first = await history.first();
  let next = await history.offsetAt(earliest * 1000);
  let isUnbroken = true;
  const wanted = new Map<string, readonly Wanted[]>();
  for (const [meterId, own] of spans)
    wanted.set(
      meterId,
      own.map((span) => ({ span, fold: readingFold() })),
    );

  /** Whether all frames that can have brought readings of the span are still there. */
  function reachesBack({ from }: DamagedSpan): boolean {
    if (first === undefined || first.appendedAtMs === 0) return false;
    return first.offset === 0 || first.appendedAtMs <= (from - aheadSecondsMax) * 1000;
  }

  function take(frame: LogFrame): void {
    const reports = frame.reports.filter(({ meterId }) => wanted.has(meterId));
    if (reports.length === 0) return;
    const unreadable = () => {
      isUnbroken = false;
    };
    for (const [{ meterId }, series = []] of decodeReports({ ...frame, reports }, unreadable)) {
      for (const one of series) {
        one.at.forEach((at, index) => {
          const own = wanted.get(meterId)?.find(({ span }) => at >= span.from && at <= span.to);
          own?.fold.add(one.channel, readingAt(one, index));
        });
      }
    }
  }

  return {
    async through(offset) {
      while (next < offset) {
        closing.throwIfAborted();
        const { frames, faulty } = await history.frames(next);
        if (frames.length === 0) return;
        // Frames that are gone or cannot be read may have held what is looked for.
        if (faulty || frames[0]?.offset !== next) isUnbroken = false;
        for (const frame of frames) if (frame.offset < offset) take(frame);
        next = Math.min(offset, (frames.at(-1)?.offset ?? next) + 1);
        await setImmediate();
      }
    },
    of(meter, { from }) {
      const found = wanted.get(meter.meterId)?.find(({ span }) => span.from === from);
      if (found === undefined) return undefined;
      // What was refused has no channel.
      found.fold.keep((channel) => channelOf(meter, channel) !== undefined);
      return { fold: found.fold, isWhole: isUnbroken && reachesBack(found.span) };
    },
  };
}
