import { type Damage, damageId, type KnownDamage } from "@meterbook/core/domain/damage/damage";
import { isDamagedDay } from "@meterbook/core/domain/damage/damaged-day";
import type { Clock } from "@meterbook/core/ports/clock";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import type { LogHistory } from "@meterbook/core/ports/readings-log";
import type { DamagedSpan, SeriesRepair, SeriesStore } from "@meterbook/core/ports/series-store";
import type { PendingMeters } from "../issue/pending-meters.ts";
import type { KnownMeters } from "../remember/known-meters.ts";
import { forgetMeter, type MeterState } from "../remember/meter-state.ts";
import { damageTurns } from "./damage-turns.ts";
import { type Replay, replayLog, type Spans } from "./replay-log.ts";

export interface RebuildPorts {
  readonly series: Pick<SeriesStore, "progress" | "repair">;
  readonly history: LogHistory | undefined;
  readonly damages: Pick<DamageLog, "report" | "unmended" | "mend">;
  readonly clock: Clock;
  readonly wants: (meterId: string | null) => boolean;
  /** Aborted when the partition is let go: a long log is not read to its end then. */
  readonly closing: AbortSignal;
  /** Runs in turn with all else that the partition does. */
  readonly inTurn: (work: (knownMeters: KnownMeters, pending: PendingMeters) => Promise<void>) => Promise<void>;
}

type Rebuilt = Exclude<Awaited<ReturnType<SeriesRepair["rebuilt"]>>, undefined>;

/** After a failure: the log was perhaps read for minutes, and may be for nothing again. */
const againAfterMs = 30_000;
/** Whose readings may be in memory at once. */
const metersMax = 50;

/**
 * Rebuilds damaged parts of the series store from the readings log, as they would have been. What the log no longer
 * holds is counted as lost. The meter is held back until then, and its months are evaluated again after it.
 */
export function seriesRebuilder(ports: RebuildPorts): { now(): Promise<void> } {
  const { series, history, damages, wants, clock, inTurn, closing } = ports;
  /** Entries of which nothing is found any more. */
  const given = new Set<string>();
  const nextEntries = damageTurns(damages, "series");
  let notBeforeMs = 0;
  /** Entries whose meter's months were made pending by us. */
  const marked = new Set<string>();

  async function round(repair: SeriesRepair, log: LogHistory): Promise<void> {
    const own = (await nextEntries()).filter(
      (entry) => isDamagedDay(entry) && wants(entry.meterId) && !given.has(entry.id),
    );
    const meterIds = new Set(own.map(({ meterId }) => meterId as string).slice(0, metersMax));
    const spans = new Map<string, readonly DamagedSpan[]>();
    for (const meterId of meterIds) {
      await inTurn(async (knownMeters) => {
        const damaged = await repair.damaged(meterId);
        if (damaged.length > 0) spans.set(meterId, damaged);
        hold(knownMeters.find(meterId), damaged);
      });
    }
    if (spans.size > 0) await rebuildAll(repair, log, spans);
    for (const entry of own) {
      if (!meterIds.has(entry.meterId as string)) continue;
      const rebuilt = await repair.rebuilt(entry.where);
      if (rebuilt !== undefined) await inTurn((known, pending) => settle(entry, rebuilt, known, pending));
      else if (!spans.has(entry.meterId as string)) given.add(entry.id);
    }
  }

  async function rebuildAll(repair: SeriesRepair, log: LogHistory, spans: Spans): Promise<void> {
    const replay = await replayLog(log, spans, closing);
    // Most of the log beside the batches; in turn only what came meanwhile.
    await replay.through(series.progress.position);
    for (const meterId of spans.keys()) {
      await inTurn(async (knownMeters) => {
        await replay.through(series.progress.position);
        const meter = knownMeters.find(meterId);
        if (meter === undefined) return;
        // What was found damaged since has its turn at the next round.
        for (const span of await repair.damaged(meterId)) await rebuildSpan(repair, replay, meter, span);
      });
    }
  }

  async function rebuildSpan(
    repair: SeriesRepair,
    replay: Replay,
    meter: MeterState,
    span: DamagedSpan,
  ): Promise<void> {
    const found = replay.of(meter, span);
    if (found === undefined) return;
    const { fold, isWhole } = found;
    // By the whole log all is as it would have been; by a part of it, what stands was decided by more than we know.
    if (!isWhole) fold.stands(span.sound);
    const lost = isWhole ? 0 : Math.max(0, span.readings - fold.readings);
    await damages.report(span.places.map((place) => foundAgain(place, meter.meterId, clock.nowMs())));
    await repair.rebuild(meter.meterId, span, { series: fold.series(), lost });
  }

  /** Told as mended once the meter's months are made again: until then it is taken up anew after any end. */
  async function settle(entry: KnownDamage, rebuilt: Rebuilt, known: KnownMeters, pending: PendingMeters) {
    const meter = known.find(entry.meterId ?? "");
    if (meter !== undefined && !marked.has(entry.id)) {
      marked.add(entry.id);
      goOn(meter, rebuilt.from, pending);
    } else if (meter?.pendingFrom === undefined && meter?.heldBackFrom === undefined) {
      const { lost } = rebuilt;
      await damages.mend(entry.id, { atMs: clock.nowMs(), outcome: "repaired", detail: detailOf(lost), lost });
    }
  }

  return {
    async now() {
      if (series.repair === undefined || history === undefined || performance.now() < notBeforeMs) return;
      try {
        await round(series.repair, history);
      } catch (error) {
        notBeforeMs = performance.now() + againAfterMs;
        throw error;
      }
    },
  };
}

function detailOf(lost: number): string {
  if (lost === 0) return "made again from the readings log; nothing is lost";
  return `made again from what the readings log still holds; ${lost} readings that it holds no more are lost`;
}

/** Most are entries already; whoever found the damage may have told of one block of several. */
function foundAgain(where: string, meterId: string, foundAtMs: number): Damage {
  return {
    id: damageId("series", where),
    place: "series",
    code: "checksum_mismatch",
    where,
    detail: "a block of readings is damaged",
    help: "it is made again from the readings log by itself",
    meterId,
    period: null,
    lost: null,
    foundAtMs,
  };
}

/** The first month that readings from an instant on can change: the one that ends there. */
function firstPeriodOf({ calendar }: MeterState, from: number): number {
  return calendar.periodOf(from) - 1;
}

function hold(meter: MeterState | undefined, [earliest]: readonly DamagedSpan[]): void {
  if (meter === undefined || earliest === undefined) return;
  const from = firstPeriodOf(meter, earliest.from);
  meter.heldBackFrom = Math.min(meter.heldBackFrom ?? from, from);
}

/** Memory may know what is lost: from here on the store counts, as it would after a start. */
function goOn(meter: MeterState, from: number, pending: PendingMeters): void {
  const first = firstPeriodOf(meter, from);
  forgetMeter(meter, -1);
  pending.mark(meter, Math.min(meter.heldBackFrom ?? first, first));
}
