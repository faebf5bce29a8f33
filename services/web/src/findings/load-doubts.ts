import { allPages } from "../api/all-pages.ts";
import { api, ask, type Schemas } from "../api/client.ts";
import { loadReadings, readingSecondsMax } from "../api/load-readings.ts";
import { isoOf } from "../time/iso.ts";
import { meansReading } from "./rules.ts";

export type Reading = Schemas["Reading"];

/** A reading, and the rules that have something to say of it; none where it came as doubtful. */
export interface Doubt {
  readonly reading: Reading;
  readonly rules: readonly string[];
}

export interface DoubtRange {
  readonly meterId: string;
  readonly register: string;
  readonly from: number;
  readonly to: number;
}

export interface LoadedDoubts {
  readonly doubts: readonly Doubt[];
  readonly isCut: boolean;
}

/** Of all registers of the meter. */
const findingsMax = 1000;
/** Of eight days: one a minute is not more. */
const readingsMax = 12_000;
const instantsMax = 12;

export async function loadDoubts(range: DoubtRange, signal: AbortSignal): Promise<LoadedDoubts> {
  const { meterId, register, from, to } = range;
  const chosen = { meterId, from: isoOf(from), to: isoOf(to + 1) };
  const told = await allPages(
    (page) => ask(api.GET("/v1/findings", { params: { query: { ...chosen, ...page } }, signal })),
    findingsMax,
  );
  const findings = told.items.filter((one) => one.register === register && isOfReading(one.rule));
  const instants = [...new Set(findings.map(({ at }) => at))].sort();
  const lists =
    to - from <= readingSecondsMax
      ? [await readings(range, from, to + 1, signal)]
      : await Promise.all(
          instants.slice(0, instantsMax).map((at) => {
            const second = Date.parse(at) / 1000;
            return readings(range, second, second + 1, signal);
          }),
        );
  const found = lists.flatMap((list) => list.items);
  const doubts = found.flatMap((reading): Doubt[] => {
    const own = findings.filter(({ rule, at }) => at === reading.at && meansReading(rule, reading.kind));
    const rules = [...new Set(own.map(({ rule }) => rule))];
    const isDoubted = rules.length > 0 || reading.quality === "suspect" || isJudged(reading);
    return isDoubted ? [{ reading, rules }] : [];
  });
  const isCut =
    told.isCut || lists.some((list) => list.isCut) || (to - from > readingSecondsMax && instants.length > instantsMax);
  return { doubts, isCut };
}

function isOfReading(rule: string): boolean {
  return meansReading(rule, "register") || meansReading(rule, "interval");
}

/** An operator has decided of it, or typed it in. */
export function isJudged({ origin }: Reading): boolean {
  return origin === "operator";
}

function readings({ meterId, register }: DoubtRange, from: number, to: number, signal: AbortSignal) {
  return loadReadings({ meterId, register, from: isoOf(from), to: isoOf(to) }, readingsMax, signal);
}
