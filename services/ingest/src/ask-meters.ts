import { setTimeout as pause } from "node:timers/promises";
import type { MeterGaps } from "@meterbook/core/domain/gap/meter-gaps";
import type { Clock } from "@meterbook/core/ports/clock";
import type { GapLog } from "@meterbook/core/ports/gap-log";
import type { AskOutcome, MeterEndpoint } from "@meterbook/core/ports/meter-endpoint";
import { encodeRequest } from "@meterbook/intake/encode-request";
import { askQueue } from "./ask-queue.ts";
import type { IngestEvents } from "./ingest-events.ts";

export interface AskPorts {
  readonly gaps: Pick<GapLog, "follow" | "get">;
  readonly endpoint: Pick<MeterEndpoint, "ask" | "withdraw" | "keepsRequests">;
  readonly clock: Clock;
}

export interface AskOptions {
  /** Of this process; 0 asks nobody. */
  readonly perSecond: number;
  /** A meter that comes back again and again is told the same no sooner. */
  readonly repeatMs: number;
  readonly events: Pick<IngestEvents, "meterAsked" | "askFailed">;
}

export interface MeterAsking {
  /** Somebody begins to listen for what the meter is asked. */
  listening(meterId: string): void;
  close(): Promise<void>;
}

const turnMs = 100;
/** Meters of which it is remembered what they were sent. */
const sentMax = 100_000;

/**
 * Sends meters what the gap log says that they are asked: when it is ordered, and to a meter that begins to listen
 * later. The order and the pauses are the aggregator's. Here no more is sent in a second than the setting says, most
 * needed first, and what waits is bounded: the aggregator orders what was left out again.
 */
export async function askMeters({ gaps, endpoint, clock }: AskPorts, options: AskOptions): Promise<MeterAsking> {
  const { perSecond, repeatMs, events } = options;
  const closing = new AbortController();
  if (perSecond === 0) return { listening: () => undefined, close: async () => undefined };
  const queue = askQueue({ dropped: () => events.meterAsked({ outcome: "dropped" }) });
  /** What was sent last, and when. */
  const sent = new Map<string, { readonly id: string; readonly atMs: number }>();
  let room = 0;

  function remember(meterId: string, id: string): void {
    sent.delete(meterId);
    sent.set(meterId, { id, atMs: clock.nowMs() });
    const [oldest] = sent.keys();
    if (oldest !== undefined && sent.size > sentMax) sent.delete(oldest);
  }

  function isTooSoon(meterId: string, id: string): boolean {
    const last = sent.get(meterId);
    return last?.id === id && clock.nowMs() - last.atMs < repeatMs;
  }

  async function serve(meterId: string): Promise<AskOutcome> {
    const asking = (await gaps.get(meterId))?.asking ?? null;
    if (asking?.state !== "asked") return withdraw(meterId);
    if (isTooSoon(meterId, asking.id)) return "nobody";
    const outcome = await endpoint.ask(encodeRequest(meterId, asking, Math.floor(clock.nowMs() / 1000)));
    events.meterAsked({ outcome });
    if (outcome === "sent") remember(meterId, asking.id);
    if (outcome === "away") queue.add(meterId, asking.rank);
    return outcome;
  }

  async function withdraw(meterId: string): Promise<AskOutcome> {
    if (!endpoint.keepsRequests) return "nobody";
    const outcome = await endpoint.withdraw(meterId);
    if (outcome === "away") queue.add(meterId, lastRank);
    else events.meterAsked({ outcome: "withdrawn" });
    return outcome === "away" ? "away" : "sent";
  }

  async function turn(): Promise<void> {
    room = Math.min(Math.max(1, perSecond), room + (perSecond * turnMs) / 1000);
    // Those of whom nothing is asked cost no room, but others must have their turn.
    for (let looked = 0; room >= 1 && looked < 1000; looked += 1) {
      const meterId = queue.take();
      if (meterId === undefined) return;
      const outcome = await serve(meterId);
      if (outcome === "away") return;
      if (outcome === "sent") room -= 1;
    }
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      await turn().catch((error: unknown) => events.askFailed({ error }));
      await pause(turnMs, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  }

  const ordered = async (records: readonly MeterGaps[]) => {
    for (const { meterId, asking } of records) {
      const isWanted = asking?.state === "asked" || endpoint.keepsRequests;
      if (isWanted) queue.add(meterId, asking?.state === "asked" ? asking.rank : lastRank);
    }
  };
  const following = await gaps.follow(ordered);
  const running = run();
  return {
    listening: (meterId) => queue.add(meterId, 0),
    async close() {
      closing.abort();
      await following.close();
      await running;
    },
  };
}

/** Of what is only taken back. */
const lastRank = 3;
