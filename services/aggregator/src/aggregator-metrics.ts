import { messageOf } from "@meterbook/core/ports/adapter-error";
import type { StandingProblems } from "@meterbook/runtime/health/standing-problems";
import type { Logger } from "@meterbook/runtime/telemetry/telemetry";
import type { Registry } from "prom-client";
import { Counter, Gauge, Histogram } from "prom-client";
import type { AggregatorEvents } from "./aggregator-events.ts";
import type { StillPartition } from "./watch/still-partitions.ts";

/** Where the aggregator says what an operator must read, or should know. */
export interface AggregatorTold {
  readonly log: Logger;
  readonly standing: Pick<StandingProblems, "recur" | "suppose" | "clear">;
  readonly notices: Pick<StandingProblems, "raise" | "clear">;
  /** So far may the log's newest frame be ahead of our clock. */
  readonly clockToleranceMs: number;
}

/** The aggregator's events as metrics, log lines and health. */
export function aggregatorMetrics(registry: Registry, told: AggregatorTold): AggregatorEvents {
  const { log, standing } = told;
  const registers = [registry];
  const readings = new Counter({
    name: "meterbook_readings_applied_total",
    help: "Readings taken from the log, by what became of them: stored, duplicate, conflict, refused.",
    labelNames: ["outcome"],
    registers,
  });
  const late = new Counter({
    name: "meterbook_readings_late_total",
    help: "Stored readings that came out of order.",
    registers,
  });
  const batchReadings = new Histogram({
    name: "meterbook_batch_readings",
    help: "Readings per batch of the aggregator.",
    buckets: [1, 10, 100, 1000, 10_000, 100_000],
    registers,
  });
  const batchSeconds = new Histogram({
    name: "meterbook_batch_seconds",
    help: "Time to take a batch into the store.",
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2],
    registers,
  });
  const failures = new Counter({
    name: "meterbook_batch_failures_total",
    help: "Batches that were abandoned and offered again.",
    registers,
  });
  const issued = new Counter({
    name: "meterbook_snapshots_issued_total",
    help: "Snapshot revisions appended to the ledger.",
    registers,
  });
  const evaluated = new Counter({
    name: "meterbook_meters_evaluated_total",
    help: "Meters whose snapshots were recomputed.",
    registers,
  });
  const refused = new Counter({
    name: "meterbook_reports_refused_total",
    help: "Reports of which the aggregator took nothing or not all, by reason (docs/validation.md).",
    labelNames: ["reason"],
    registers,
  });
  const unknown = new Counter({
    name: "meterbook_unknown_meter_reports_total",
    help: "Reports of meters without master data, taken or not.",
    registers,
  });
  return {
    ...storeMetrics(registry, log),
    ...gapMetrics(registry),
    ...groupMetrics(registry),
    looked: progressTelling(told),
    batchApplied(facts) {
      readings.inc({ outcome: "stored" }, facts.stored);
      readings.inc({ outcome: "duplicate" }, facts.duplicates);
      readings.inc({ outcome: "conflict" }, facts.conflicts);
      readings.inc({ outcome: "refused" }, facts.refused);
      late.inc(facts.late);
      unknown.inc(facts.unknown);
      batchReadings.observe(facts.readings);
      batchSeconds.observe(facts.seconds);
    },
    refused({ reason, meterId, detail }) {
      refused.inc({ reason });
      log.debug({ reason, meterId, detail }, "Refused.");
    },
    batchFailed({ error }) {
      failures.inc();
      standing.recur("batches", `readings cannot be stored: ${messageOf(error)}`);
    },
    snapshotsIssued(facts) {
      issued.inc(facts.issued);
      evaluated.inc(facts.meters);
      if (facts.issued > 0) log.info(facts, "Snapshots issued.");
    },
    boundaryPassed: (facts) => log.info(facts, "A month's end came due."),
    housekeepingFailed: ({ error }) =>
      standing.recur("housekeeping", `snapshots cannot be worked on: ${messageOf(error)}`),
  };
}

function gapMetrics(registry: Registry): Pick<AggregatorEvents, "gapsLooked" | "gapsLeft"> {
  const registers = [registry];
  const openBy = new Map<number, { readonly open: number; readonly missing: number }>();
  const total = (field: "open" | "missing") => [...openBy.values()].reduce((sum, one) => sum + one[field], 0);
  new Gauge({
    name: "meterbook_gaps_open",
    help: "Stretches in which readings were expected and are not there, of the partitions of this process.",
    registers,
    collect() {
      this.set(total("open"));
    },
  });
  new Gauge({
    name: "meterbook_gap_readings_missing",
    help: "Readings that are missing in them.",
    registers,
    collect() {
      this.set(total("missing"));
    },
  });
  const skipped = new Counter({
    name: "meterbook_reports_missing_total",
    help: "Numbers that meters left out when they counted their reports (`sequence`): reports that never came.",
    registers,
  });
  const changes = new Counter({
    name: "meterbook_gaps_total",
    help: "What became of gaps, by outcome: found, answered; and how often meters were asked, by outcome: asked, ended (asked as often as it is asked, and nothing came).",
    labelNames: ["outcome"],
    registers,
  });
  return {
    gapsLooked({ partition, open, missing, reports, ...outcomes }) {
      skipped.inc(reports);
      openBy.set(partition, { open, missing });
      for (const [outcome, count] of Object.entries(outcomes)) changes.inc({ outcome }, count);
    },
    gapsLeft: ({ partition }) => void openBy.delete(partition),
  };
}

function groupMetrics(registry: Registry): Pick<AggregatorEvents, "groupsSummed"> {
  const registers = [registry];
  const pendingBy = new Map<number, number>();
  new Gauge({
    name: "meterbook_group_days_pending",
    help: "Days whose sums over groups are to be made again, of the partitions of this process, when one was last made.",
    registers,
    collect() {
      this.set([...pendingBy.values()].reduce((sum, one) => sum + one, 0));
    },
  });
  const seconds = new Histogram({
    name: "meterbook_group_day_seconds",
    help: "Time to make a day's sums over all groups of a partition, rests for other work among it.",
    buckets: [0.01, 0.1, 1, 10, 60, 600],
    registers,
  });
  return {
    groupsSummed(facts) {
      pendingBy.set(facts.partition, facts.pending);
      seconds.observe(facts.seconds);
    },
  };
}

function progressTelling({ standing, notices, clockToleranceMs }: AggregatorTold): AggregatorEvents["looked"] {
  return ({ still, logAheadMs }) => {
    if (still.length === 0) standing.clear("still partitions");
    else standing.suppose("still partitions", still.map(stillText).join("; "));
    if (logAheadMs <= clockToleranceMs) return notices.clear("clock behind log");
    const seconds = Math.round(logAheadMs / 1000);
    notices.raise("clock behind log", `frames of the readings log are ${seconds} s ahead of the clock of this host`);
  };
}

function stillText({ partition, waiting, seconds }: StillPartition): string {
  if (waiting === undefined) return `partition ${partition} is not open after ${seconds} s`;
  return `partition ${partition} does not move: ${waiting} frames wait, for ${seconds} s`;
}

function storeMetrics(registry: Registry, log: Logger): Pick<AggregatorEvents, "storeBehind" | "framesLost"> {
  const behind = new Counter({
    name: "meterbook_store_behind_total",
    help: "Times that the store of a partition had less than it said it had kept, and was taken in again from the log. Alarm above 0.",
    registers: [registry],
  });
  const missed = new Counter({
    name: "meterbook_log_frames_missed_total",
    help: "Records that the readings log no longer held when they were to be read, and that the store had not: since the start of this process (meterbook_lost_records is for good). Alarm above 0.",
    registers: [registry],
  });
  return {
    framesLost({ partition, from, to }) {
      missed.inc(to - from);
      log.error({ partition, from, to }, "The readings log has lost records that were not in the store yet.");
    },
    storeBehind({ partition }) {
      behind.inc();
      const facts = { partition };
      log.error(facts, "The store has less than it had: put back or emptied. What the log holds is taken in again.");
    },
  };
}
