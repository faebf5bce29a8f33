import { messageOf } from "@meterbook/core/ports/adapter-error";
import type { StandingProblems } from "@meterbook/runtime/health/standing-problems";
import type { Logger } from "@meterbook/runtime/telemetry/telemetry";
import type { Registry } from "prom-client";
import { Counter, Gauge, Histogram } from "prom-client";
import type { IngestEvents } from "./ingest-events.ts";

/** Ingest's events as metrics; that messages cannot be kept is a problem until one is. */
export function ingestMetrics(
  registry: Registry,
  log: Logger,
  standing: Pick<StandingProblems, "raise" | "clear">,
): IngestEvents {
  const registers = [registry];
  let failing = false;
  const messages = new Counter({
    name: "meterbook_messages_kept_total",
    help: "Messages that are safe in a log.",
    registers,
  });
  const bytes = new Counter({
    name: "meterbook_message_bytes_total",
    help: "Payload bytes of messages that are safe.",
    registers,
  });
  const readings = new Counter({
    name: "meterbook_readings_accepted_total",
    help: "Readings appended to the log.",
    registers,
  });
  const rejections = new Counter({
    name: "meterbook_rejections_total",
    help: "Messages or single readings refused, by reason (docs/validation.md).",
    labelNames: ["reason"],
    registers,
  });
  const failures = new Counter({
    name: "meterbook_keep_failures_total",
    help: "Messages that could not be kept and were not acknowledged.",
    registers,
  });
  const keepSeconds = new Histogram({
    name: "meterbook_keep_seconds",
    help: "From the arrival of a message to its safety.",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2],
    registers,
  });
  return {
    messageKept(facts) {
      messages.inc();
      bytes.inc(facts.bytes);
      readings.inc(facts.readings);
      keepSeconds.observe(facts.seconds);
      if (failing) standing.clear("keep");
      failing = false;
    },
    rejected({ reason, meterId, detail }) {
      rejections.inc({ reason });
      log.debug({ reason, meterId, detail }, "Refused.");
    },
    ...senderMetrics(registers, log),
    ...askMetrics(registers, log),
    keepFailed({ error }) {
      failures.inc();
      failing = true;
      standing.raise("keep", `messages cannot be kept: ${messageOf(error)}`);
    },
  };
}

function askMetrics(registers: Registry[], log: Logger): Pick<IngestEvents, "meterAsked" | "askFailed"> {
  const asked = new Counter({
    name: "meterbook_meter_requests_total",
    help: "Requests for readings that are missing, by outcome: sent, nobody (no one listens for the meter; it is sent when it connects), away (no way to the broker; it is sent later), withdrawn (from the broker), dropped (too many waited; it is ordered again).",
    labelNames: ["outcome"],
    registers,
  });
  return {
    meterAsked: (facts) => asked.inc(facts),
    askFailed: ({ error }) => log.warn({ error }, "Meters could not be asked for what is missing; tried again."),
  };
}

function senderMetrics(
  registers: Registry[],
  log: Logger,
): Pick<IngestEvents, "senderHeld" | "senderFree" | "rejectedForgotten"> {
  const senders = new Gauge({
    name: "meterbook_rejected_senders_held",
    help: "Senders that have filled their share of the rejected log: what else is refused of them waits, and they are slowed down.",
    registers,
  });
  const messages = new Counter({
    name: "meterbook_rejected_held_total",
    help: "Messages without room in the rejected log: `hold` was not acknowledged and comes again, of `cut` the beginning was kept, `late` was kept by an aggregator.",
    labelNames: ["outcome", "why"],
    registers,
  });
  const forgotten = new Counter({
    name: "meterbook_rejected_forgotten_total",
    help: "Refusals that were older than METERBOOK_REJECTED_RETENTION_DAYS and are kept no more; they still count as rejected.",
    registers,
  });
  return {
    rejectedForgotten(refusals) {
      forgotten.inc(refusals);
      log.info({ refusals }, "Old refusals were forgotten.");
    },
    senderHeld({ sender, why, whenFull, isNew, held }) {
      messages.inc({ outcome: whenFull, why });
      senders.set(held);
      if (isNew) log.warn({ sender, why, outcome: whenFull }, "A sender has filled its share of the rejected log.");
    },
    senderFree({ sender, held }) {
      senders.set(held);
      log.info({ sender }, "There is room in the rejected log for this sender again.");
    },
  };
}
