import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Clock } from "@meterbook/core/ports/clock";
import type { LogFrame } from "@meterbook/core/ports/readings-log";
import type { SeriesStore } from "@meterbook/core/ports/series-store";
import type { Barrier } from "@meterbook/sharding/barrier";
import type { AggregatorOptions } from "../aggregator-options.ts";
import type { BoundaryWatch } from "../issue/boundary-watch.ts";
import { issueSnapshots } from "../issue/issue-snapshots.ts";
import { everything } from "../issue/pending-meters.ts";
import type { PeriodSealing } from "../issue/period-sealing.ts";
import type { MeterState } from "../remember/meter-state.ts";
import type { StruckRevisions } from "../repair/struck-revisions.ts";
import type { FollowedRegistry } from "./follow-registry.ts";
import { madeMonths } from "./made-months.ts";
import { believedMsMax } from "./months-time.ts";
import type { PartitionMemory } from "./partition-memory.ts";
import type { ReopeningLedger } from "./reopening-ledger.ts";

export interface PassingPorts {
  readonly series: SeriesStore;
  readonly ledger: ReopeningLedger;
  readonly clock: Clock;
  readonly memory: PartitionMemory;
  readonly registry: FollowedRegistry;
  readonly watch: Pick<BoundaryWatch, "sweep">;
  readonly struck: StruckRevisions;
  readonly sealing: PeriodSealing;
}

export interface BarrierPassing {
  pass(barrier: Barrier, by: LogFrame): Promise<void>;
  /** How many meters' months were made so far; grows on the way to what a barrier issues, not as it is tried again. */
  readonly evaluated: number;
}

/** Not a setting: every replay of a log must come to the same times. */
const aheadOfLogMsMax = 5 * 60_000;

/**
 * Passes barriers: log time moves, master data begin to count, and what is due is issued before anything behind the
 * barrier is taken in. A barrier that was carried out before does the same to memory and issues nothing.
 */
export function barrierPassing(ports: PassingPorts, options: AggregatorOptions): BarrierPassing {
  const { series, ledger, clock, memory, registry, watch, struck, sealing } = ports;
  const months = madeMonths();

  async function issue(isDue: () => MeterState[]): Promise<void> {
    if (isDue().length === 0) return;
    await takeRight(ledger, memory, clock);
    // Asked again: where the right was taken back, memory has begun anew, and what is due is its meters.
    const due = isDue();
    months.begin(due.length);
    await whileOurs(async () => {
      const { seen } = struck;
      const issuePorts = {
        ...{ ...options, series, ledger, clock, seen },
        ...{ evaluated: months.made, timeMs: memory.time.ms },
      };
      const issued = await issueSnapshots(issuePorts, memory.pending, due);
      if (issued > 0) sealing.issued(memory.time.ms);
    });
  }

  async function issueAndSeal(isDue: () => MeterState[], barrier: Barrier): Promise<void> {
    await issue(isDue);
    if (!sealing.isAt(barrier, memory.time.ms)) return;
    await takeRight(ledger, memory, clock);
    await whileOurs(() => sealing.seal(memory.time.ms));
  }

  async function whileOurs(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      sealing.inDoubt();
      if (!(error instanceof AdapterError && error.code === "ledger_fenced")) throw error;
      ledger.fenced(clock.nowMs());
      // Somebody else may have issued since: what is remembered of that counts no more.
      await memory.reopen();
      throw inDoubt();
    }
  }

  async function pass(barrier: Barrier, by: LogFrame): Promise<void> {
    const { pending } = memory;
    months.pass(by.offset);
    // Whoever wrote it: a writer's clock that is ahead of the log's own ends no month.
    const barrierMs = Math.min(barrier.atMs, by.appendedAtMs + aheadOfLogMsMax);
    memory.time.move(barrierMs, by.offset);
    memory.believed.note(by.appendedAtMs, barrierMs >= by.appendedAtMs - believedMsMax);
    await registry.count(barrier.registry, by);
    watch.sweep(memory.knownMeters, pending, memory.time.ms);
    if (barrier.closeId !== null) markHeldBack(memory);
    const isDue = () =>
      pending.due(barrier.closeId === null ? barrier : { quietBefore: everything, readyThrough: null });
    if (memory.isCarriedOut(by.offset)) pending.done(isDue());
    else await issueAndSeal(isDue, barrier);
    await memory.carriedOut(by.offset);
    if (barrier.closeId !== null) options.witnesses?.closed(memory.time.ms);
  }

  return {
    pass,
    get evaluated() {
      return months.count;
    },
  };
}

/** The right to issue, also after it was in doubt: a broker fences also a producer that stalled. */
async function takeRight(ledger: ReopeningLedger, memory: PartitionMemory, clock: Clock): Promise<void> {
  if (!ledger.mayOpen(clock.nowMs())) throw inDoubt();
  if ((await ledger.reopen()) === "taken back") await memory.reopen();
}

function inDoubt(): AdapterError {
  return new AdapterError("ledger_fenced", {
    retryable: true,
    detail: "the right to issue is in doubt; tried again soon",
  });
}

/** Each of them is tried again whenever all is to be issued. */
function markHeldBack({ knownMeters, pending }: Pick<PartitionMemory, "knownMeters" | "pending">): void {
  for (const meter of knownMeters.all()) if (meter.heldBackFrom !== undefined) pending.mark(meter, meter.heldBackFrom);
}
