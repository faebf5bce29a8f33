import type { LedgerPlace } from "@meterbook/sharding/ledger-place";
import type { ApiPorts } from "../../api-ports.ts";
import { type HandOver, readHandOver } from "./read-hand-over.ts";

/**
 * `as of now`: made anew where anything has changed. `soon`: what is made is not made again before ten times as long
 * has passed as it took, so that a board that is watched while all changes costs a tenth of this thread at most.
 */
export type Freshness = "as of now" | "soon";

export type KeptHandOvers = (period: number, freshness: Freshness) => Promise<HandOver>;

interface Kept {
  /** What billing had said before it was made. */
  readonly said: string;
  /** Up to where the ledger has nothing that is not in it. */
  place: LedgerPlace;
  readonly value: Promise<HandOver>;
  /** Until when it is good enough for who can wait; undefined while it is being made. */
  restsUntilMs: number | undefined;
}

const restPerWork = 10;
const periodsMax = 24;
/** More changes than these are not looked through: it is made anew. */
const changesMax = 500;

/** One hand-over for each period and all who ask, until billing says something or the period has a new revision. */
export function keptHandOvers(
  ports: Pick<ApiPorts, "billing" | "snapshots">,
  nowMs: () => number = () => performance.now(),
): KeptHandOvers {
  const all = new Map<number, Kept>();

  /** What was issued since then and is not of the period changes nothing. */
  async function isUntouched(kept: Kept, place: LedgerPlace, period: number): Promise<boolean> {
    if (String(kept.place) === String(place)) return true;
    let isAllRead = true;
    const leftOut = () => {
      isAllRead = false;
    };
    const changes = await ports.snapshots.changes({ after: kept.place, limit: changesMax, leftOut });
    if (!isAllRead || changes.length === changesMax) return false;
    if (changes.some(({ snapshot }) => snapshot.period === period)) return false;
    kept.place = place;
    return true;
  }

  function make(period: number, said: string, place: LedgerPlace): Promise<HandOver> {
    const begunMs = nowMs();
    const kept: Kept = { said, place, value: readHandOver(ports, period), restsUntilMs: undefined };
    all.delete(period);
    all.set(period, kept);
    const [oldest] = all.keys();
    if (all.size > periodsMax && oldest !== undefined) all.delete(oldest);
    kept.value.then(
      () => {
        kept.restsUntilMs = nowMs() + (nowMs() - begunMs) * restPerWork;
      },
      () => {
        if (all.get(period) === kept) all.delete(period);
      },
    );
    return kept.value;
  }

  return async (period, freshness) => {
    const resting = all.get(period);
    if (freshness === "soon" && resting !== undefined && nowMs() < (resting.restsUntilMs ?? Number.POSITIVE_INFINITY))
      return resting.value;
    // Both before it is made: what comes meanwhile is another.
    const said = await ports.billing.state();
    const place = await ports.snapshots.lastPlace();
    const kept = all.get(period);
    if (kept !== undefined && kept.said === said && (await isUntouched(kept, place, period))) return kept.value;
    return make(period, said, place);
  };
}
