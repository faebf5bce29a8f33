import { isOpen, type MeterGaps, missingOf } from "@meterbook/core/domain/gap/meter-gaps";
import type { GapLog } from "@meterbook/core/ports/gap-log";
import type { MeterState } from "../remember/meter-state.ts";

/**
 * What is known of the gaps of a partition's meters: what the gap log has, and what memory said when they were read.
 */
export interface GapMemory {
  readonly known: ReadonlyMap<string, MeterGaps>;
  /** Takes over what the log has, the first time. */
  load(log: Pick<GapLog, "follow">): Promise<void>;
  /** Whether memory says something else of the meter than when it was read last. */
  isChanged(meterId: string, suspicion: string): boolean;
  /** The log has these now. */
  take(changed: ReadonlyMap<string, MeterGaps>): void;
  /** These meters were read. */
  wereRead(meters: readonly (readonly [MeterState, string])[]): void;
}

/** Of meters that seem to miss something. */
const seenMax = 200_000;

export function gapMemory(wants: (meterId: string) => boolean): GapMemory {
  const known = new Map<string, MeterGaps>();
  const seen = new Map<string, string>();
  let isLoaded = false;
  return {
    known,
    async load(log) {
      if (isLoaded) return;
      const loading = await log.follow(async (records) => {
        for (const one of records) if (!isLoaded && wants(one.meterId)) known.set(one.meterId, one);
      });
      isLoaded = true;
      await loading.close();
      // Whatever memory says of them is news.
      for (const { meterId, gaps } of known.values()) if (gaps.some(isOpen)) seen.set(meterId, "not read yet");
    },
    isChanged: (meterId, suspicion) => suspicion !== (seen.get(meterId) ?? ""),
    take(changed) {
      for (const [meterId, one] of changed) {
        if (one.gaps.length > 0 || one.sequence !== null) known.set(meterId, one);
        else known.delete(meterId);
      }
    },
    wereRead(meters) {
      if (seen.size > seenMax) seen.clear();
      for (const [{ meterId }, suspicion] of meters) {
        if (suspicion === "") seen.delete(meterId);
        else seen.set(meterId, suspicion);
      }
    },
  };
}

/** A gap that goes on grows with each look; its end is written anew once a day. */
export function isNews(before: MeterGaps | undefined, after: MeterGaps): boolean {
  if (before === undefined) return after.gaps.length > 0 || after.sequence !== null;
  return comparable(before) !== comparable(after);
}

function comparable(of: MeterGaps): string {
  const gaps = of.gaps.map((gap) => (gap.goesOn ? { ...gap, to: Math.floor(gap.to / 86_400), missing: 0 } : gap));
  return JSON.stringify({ ...of, gaps });
}

/** What there is to be told of a look. */
export function countsOf(memory: Pick<GapMemory, "known">, changed: readonly MeterGaps[], nowMs: number) {
  const gaps = changed.flatMap((one) => one.gaps);
  const hasEnded = ({ meterId, asking }: MeterGaps) =>
    asking?.state === "ended" && memory.known.get(meterId)?.asking?.state !== "ended";
  return {
    found: gaps.filter((gap) => isOpen(gap) && gap.sinceMs === nowMs).length,
    answered: gaps.filter(({ answeredAtMs }) => answeredAtMs === nowMs).length,
    asked: changed.filter(({ asking }) => asking?.state === "asked" && asking.atMs === nowMs).length,
    ended: changed.filter(hasEnded).length,
  };
}

export function openIn(all: Iterable<MeterGaps>): { readonly open: number; readonly missing: number } {
  let [open, missing] = [0, 0];
  for (const { gaps } of all) {
    open += gaps.filter(isOpen).length;
    missing += missingOf(gaps);
  }
  return { open, missing };
}
