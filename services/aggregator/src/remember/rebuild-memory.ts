import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import type { Clock } from "@meterbook/core/ports/clock";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { LogFrame } from "@meterbook/core/ports/readings-log";
import type { SeriesReader, SeriesStore } from "@meterbook/core/ports/series-store";
import { advance, forget, markIrregular, newestAtOf } from "./channel-state.ts";
import type { KnownMeters } from "./known-meters.ts";
import type { MeterState } from "./meter-state.ts";
import { channelOf } from "./meter-state.ts";
import { tellDamage } from "./store-damage.ts";

/**
 * Rebuilds memory after a start, meter by meter, while there is nothing else to do: the readings of the last weeks are
 * taken from the store once more. Until its turn comes a meter `needsStore`: its evaluations ask the store.
 */
export function memoryRebuilder(series: Pick<SeriesReader, "read">, clock: Clock, damaged: TellDamage) {
  let round: Iterator<MeterState> | undefined;
  let knownBefore: KnownMeters | undefined;

  return {
    /** Works for about `budgetMs`. */
    async rebuild(knownMeters: KnownMeters, budgetMs: number): Promise<void> {
      if (knownMeters !== knownBefore) {
        knownBefore = knownMeters;
        round = knownMeters.all();
      }
      const until = performance.now() + budgetMs;
      while (round !== undefined) {
        const next = round.next();
        if (next.done === true) round = undefined;
        else if (next.value.needsStore) {
          const nowMs = clock.nowMs();
          await rebuildMeter(series, next.value, nowMs).catch(tellDamage(damaged, nowMs));
        }
        if (performance.now() >= until) return;
      }
    },
  };
}

/** What is irregular there is past and gone for the months that memory tells of. */
const lookBackSeconds = 36 * 86_400;

/** More than so many of a batch wait for their turn: each is a question to the store. */
const rebuiltPerBatchMax = 500;
/** What meters may be ahead of the time at which their readings come. */
const aheadSeconds = 300;

/**
 * After a start no meter is known to have a newer reading than the newest of all. Where that one is dated hours ahead,
 * the readings of every other meter would look older than it, and each would be looked up. So the memory of those that
 * report comes first.
 */
export async function rebuildReporting(
  series: Pick<SeriesStore, "read" | "progress">,
  knownMeters: Pick<KnownMeters, "find">,
  frames: readonly LogFrame[],
  damaged: TellDamage,
): Promise<void> {
  const nowMs = frames.at(-1)?.appendedAtMs ?? 0;
  if (series.progress.newestAt <= nowMs / 1000 + aheadSeconds) return;
  let rebuilt = 0;
  for (const { reports } of frames) {
    for (const { meterId } of reports) {
      const meter = knownMeters.find(meterId);
      if (meter?.needsStore !== true || rebuilt >= rebuiltPerBatchMax) continue;
      rebuilt += 1;
      await rebuildMeter(series, meter, nowMs).catch(tellDamage(damaged, nowMs));
    }
  }
}

export async function rebuildMeter(
  series: Pick<SeriesReader, "read">,
  meter: MeterState,
  nowMs: number,
): Promise<void> {
  const { calendar } = meter;
  const from = calendar.startOf(calendar.periodOf(nowMs / 1000) - 1) - lookBackSeconds;
  const readings = await series.read(meter.meterId, { from, to: Number.MAX_SAFE_INTEGER });
  remember(meter, readings, from);
}

/** What a meter has sent since an instant is remembered as if it had just come. */
export function remember(meter: MeterState, readings: readonly ReadingSeries[], from: number): void {
  for (const state of meter.channels) {
    // Nothing is newer than what was read, and what is older than that stays the store's to tell. So do the first of
    // what was read: they may contradict what came before.
    forget(state, Math.min(newestAtOf(state), from - 1));
    markIrregular(state, 0, from);
  }
  for (const { channel, at, value, code } of readings) {
    const state = channelOf(meter, channel);
    if (state === undefined) continue;
    at.forEach((instant, i) => advance(state, instant, value[i] as number, code[i] as number, meter));
  }
  meter.needsStore = false;
}
