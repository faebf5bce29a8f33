import { openEmbeddedDamageLog } from "@meterbook/adapters/embedded/damage-log/embedded-damage-log";
import { shardDirectory } from "@meterbook/adapters/embedded/database/shard-directory";
import { openEmbeddedGapLog } from "@meterbook/adapters/embedded/gap-log/embedded-gap-log";
import { openEmbeddedGroupSums } from "@meterbook/adapters/embedded/group-sums/embedded-group-sums";
import { openEmbeddedSnapshotLedgers } from "@meterbook/adapters/embedded/ledger/embedded-snapshot-ledger";
import type { EmbeddedReadingsLog } from "@meterbook/adapters/embedded/readings-log/embedded-readings-log";
import { openEmbeddedReadingsLog } from "@meterbook/adapters/embedded/readings-log/embedded-readings-log";
import { openEmbeddedRegistry } from "@meterbook/adapters/embedded/registry/embedded-registry";
import { openEmbeddedRejectedLog } from "@meterbook/adapters/embedded/rejected-log/embedded-rejected-log";
import { handOverRejections } from "@meterbook/adapters/embedded/rejected-log/handed-rejections";
import type { EmbeddedSeriesReader } from "@meterbook/adapters/embedded/series/embedded-series-reader";
import { openEmbeddedSeriesReader } from "@meterbook/adapters/embedded/series/embedded-series-reader";
import { openEmbeddedSeriesStores } from "@meterbook/adapters/embedded/series/embedded-series-store";
import { syncSeries } from "@meterbook/adapters/embedded/series/series-database";
import { aggregateReadings } from "@meterbook/aggregator/aggregate-readings";
import { aggregatorMetrics } from "@meterbook/aggregator/aggregator-metrics";
import { steadyClock } from "@meterbook/runtime/clock/steady-clock";
import { timeWitnesses } from "@meterbook/runtime/clock/time-witnesses";
import { standingProblems } from "@meterbook/runtime/health/standing-problems";
import { damageTeller } from "@meterbook/runtime/health/tell-damage";
import { publishHealth } from "@meterbook/runtime/health/thread-health";
import { watchClock } from "@meterbook/runtime/health/watch-clock";
import { watchDisk } from "@meterbook/runtime/health/watch-disk";
import { crashPoints } from "@meterbook/runtime/process/crash-point";
import { runThread } from "@meterbook/runtime/process/service-thread";
import { yieldToOthers } from "@meterbook/runtime/process/thread-priority";
import { metersPerShardMax } from "@meterbook/runtime/settings/memory-share";
import { collectRuntimeMetrics, openLogger } from "@meterbook/runtime/telemetry/telemetry";
import { serveThreadMetrics } from "@meterbook/runtime/telemetry/thread-metrics";
import { Registry } from "prom-client";
import { type AggregatorThreadData, aggregatorName, type RunningSettings } from "./thread-names.ts";
import { watchDirectory } from "./watch-directory.ts";

const trimEveryMs = 3_600_000;

/** What meters send is taken first; it is in the log then, and waits there for its turn. */
yieldToOthers(5);

await runThread(async ({ settings, index, refusals }: AggregatorThreadData, own) => {
  const { dataDir, shards, aggregators } = settings;
  const name = aggregatorName(index);
  const log = openLogger({ name, level: settings.logLevel, format: settings.logFormat });
  const metrics = new Registry();
  collectRuntimeMetrics(metrics, name);
  own(serveThreadMetrics(metrics, name));
  const health = own(publishHealth());
  const report = () =>
    health.report({
      name,
      ok: standing.current().length === 0,
      detail: standing.current().join("; "),
      notices: notices.current(),
    });
  const standing = standingProblems({ log, changed: report });
  const notices = standingProblems({ log, kind: "notice", changed: report });
  const clockToleranceMs = settings.clockToleranceSeconds * 1000;
  const events = aggregatorMetrics(metrics, { log, standing, notices, clockToleranceMs });
  const clock = steadyClock({ toleranceMs: clockToleranceMs });
  // What is one for all threads is told once.
  if (index === 0) {
    own(watchDisk({ path: dataDir, setting: "METERBOOK_DATA_DIR", standing, notices }));
    own(watchDirectory({ dataDir, shards }, standing));
    own(watchClock({ clock, holdsBack: "months", standing, notices }));
  }

  const damages = own(openEmbeddedDamageLog({ dataDir }));
  const damaged = own(damageTeller(damages, log)).tell;
  const ears = { tell: damaged, nowMs: () => clock.nowMs() };
  const rejected = own(openEmbeddedRejectedLog({ dataDir, ears }));
  const ports = {
    clock,
    damages,
    series: own(openEmbeddedSeriesStores({ dataDir, clock, damaged })),
    ledgers: own(openEmbeddedSnapshotLedgers({ dataDir, ears })),
    registry: own(await openEmbeddedRegistry({ dataDir, clock, damaged })),
    rejected: own(handOverRejections(refusals, rejected.append)),
    gaps: own(openEmbeddedGapLog({ dataDir })),
    groups: own(openEmbeddedGroupSums({ dataDir })),
    log: own(
      await openEmbeddedReadingsLog({
        ...{ dataDir, clock, damaged, retentionDays: settings.logRetentionDays, partitions: shards },
        followed: Array.from({ length: shards }, (_, shard) => shard).filter((shard) => shard % aggregators === index),
      }),
    ),
  };
  own(
    await aggregateReadings(ports, {
      timeZone: settings.timeZone,
      settleSeconds: settings.settleSeconds,
      limits: { ...settings.admission, metersMax: metersPerShardMax(settings.admission.metersMax, shards) },
      rules: settings.rules,
      gaps: settings.gaps,
      damaged,
      crashPoint: crashPoints(settings.crashAt),
      events,
      witnesses: timeWitnesses({ clock, leapMs: settings.clockLeapSecondsMax * 1000 }),
    }),
  );
  if (index === 0) own(trimHourly(settings, ports.log, own(openEmbeddedSeriesReader({ dataDir, shards }))));
  report();
  return {};
});

/**
 * Lets the log forget what is past its retention, in the store for good, and issued. What fails is tried again an hour
 * later.
 */
function trimHourly(
  { dataDir, shards }: RunningSettings,
  log: EmbeddedReadingsLog,
  series: EmbeddedSeriesReader,
): { close(): void } {
  async function trim(): Promise<void> {
    for (let shard = 0; shard < shards; shard += 1) {
      const position = series.issuedPosition(shard);
      // A power cut takes back what the store has not synced; the log must not have forgotten it by then.
      syncSeries(shardDirectory(dataDir, shard));
      await log.trim(position, shard);
    }
  }
  const timer = setInterval(() => void trim().catch(() => undefined), trimEveryMs);
  return { close: () => clearInterval(timer) };
}
