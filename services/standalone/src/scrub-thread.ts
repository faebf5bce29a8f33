import { openEmbeddedDamageLog } from "@meterbook/adapters/embedded/damage-log/embedded-damage-log";
import { scrubDirectory } from "@meterbook/adapters/embedded/verify/scrub-directory";
import { systemClock as clock } from "@meterbook/core/ports/clock";
import { damageTeller } from "@meterbook/runtime/health/tell-damage";
import { runThread } from "@meterbook/runtime/process/service-thread";
import { yieldToOthers } from "@meterbook/runtime/process/thread-priority";
import { collectRuntimeMetrics, openLogger } from "@meterbook/runtime/telemetry/telemetry";
import { serveThreadMetrics } from "@meterbook/runtime/telemetry/thread-metrics";
import { Registry } from "prom-client";
import { scrubMetrics } from "./scrub-metrics.ts";
import type { RunningSettings } from "./thread-names.ts";

/** Of one core. */
const shareMax = 0.03;
const restMs = 3_600_000;

/** Everybody comes before what looks for damage in the background. */
yieldToOthers(10);

await runThread(async (settings: RunningSettings, own) => {
  const { dataDir, shards } = settings;
  const log = openLogger({ name: "scrub", level: settings.logLevel, format: settings.logFormat });
  const metrics = new Registry();
  collectRuntimeMetrics(metrics, "scrub");
  own(serveThreadMetrics(metrics, "scrub"));
  const damages = own(openEmbeddedDamageLog({ dataDir }));
  const { tell } = own(damageTeller(damages, log));
  own(scrubDirectory({ dataDir, shards, clock, tell, events: scrubMetrics(metrics), shareMax, restMs }));
  return {};
});
