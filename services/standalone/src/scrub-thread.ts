import { openEmbeddedDamageLog } from "@meterbook/adapters/embedded/embedded-damage-log";
import { scrubDirectory } from "@meterbook/adapters/embedded/scrub-directory";
import { systemClock as clock } from "@meterbook/core/ports/clock";
import type { Settings } from "@meterbook/runtime/load-settings";
import { runThread } from "@meterbook/runtime/service-thread";
import { collectRuntimeMetrics, openLogger } from "@meterbook/runtime/telemetry";
import { damageTeller } from "@meterbook/runtime/tell-damage";
import { serveThreadMetrics } from "@meterbook/runtime/thread-metrics";
import { yieldToOthers } from "@meterbook/runtime/thread-priority";
import { Registry } from "prom-client";
import { scrubMetrics } from "./scrub-metrics.ts";

/** Of one core. */
const shareMax = 0.03;
const restMs = 3_600_000;

/** Everybody comes before what looks for damage in the background. */
yieldToOthers(10);

await runThread(async (settings: Settings, own) => {
  const { dataDir } = settings;
  const log = openLogger({ name: "scrub", level: settings.logLevel, format: settings.logFormat });
  const metrics = new Registry();
  collectRuntimeMetrics(metrics, "scrub");
  own(serveThreadMetrics(metrics, "scrub"));
  const damages = own(openEmbeddedDamageLog({ dataDir }));
  const { tell } = own(damageTeller(damages, log));
  own(scrubDirectory({ dataDir, clock, tell, events: scrubMetrics(metrics), shareMax, restMs }));
  return {};
});
