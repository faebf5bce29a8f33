import { watchFiles } from "@meterbook/adapters/certificates/watched-files";
import { openEmbeddedAuditLog } from "@meterbook/adapters/embedded/audit-log/embedded-audit-log";
import { openEmbeddedBillingLog } from "@meterbook/adapters/embedded/billing-log/embedded-billing-log";
import { openEmbeddedDamageLog } from "@meterbook/adapters/embedded/damage-log/embedded-damage-log";
import { openEmbeddedGapLog } from "@meterbook/adapters/embedded/gap-log/embedded-gap-log";
import { openEmbeddedGroupSumsReader } from "@meterbook/adapters/embedded/group-sums/embedded-group-sums";
import { openEmbeddedJobLog } from "@meterbook/adapters/embedded/job-log/embedded-job-log";
import { openEmbeddedSnapshotView } from "@meterbook/adapters/embedded/ledger/embedded-snapshot-ledger";
import { openEmbeddedReadingsLog } from "@meterbook/adapters/embedded/readings-log/embedded-readings-log";
import { openEmbeddedRegistry } from "@meterbook/adapters/embedded/registry/embedded-registry";
import { openEmbeddedRejectedLog } from "@meterbook/adapters/embedded/rejected-log/embedded-rejected-log";
import { openEmbeddedSeriesReader } from "@meterbook/adapters/embedded/series/embedded-series-reader";
import { damageMetrics } from "@meterbook/api/api-metrics";
import { builtPages } from "@meterbook/api/http/pages/web-pages";
import { callFailures } from "@meterbook/api/http/problems/call-failures";
import { lagMetrics, lossMetrics } from "@meterbook/api/operation/figure-metrics";
import { serveApi } from "@meterbook/api/serve-api";
import { messageReader, readLimits } from "@meterbook/intake/read-message";
import { steadyClock } from "@meterbook/runtime/clock/steady-clock";
import { standingProblems } from "@meterbook/runtime/health/standing-problems";
import { damageTeller } from "@meterbook/runtime/health/tell-damage";
import { publishHealth, watchHealth } from "@meterbook/runtime/health/thread-health";
import { runThread } from "@meterbook/runtime/process/service-thread";
import { yieldToOthers } from "@meterbook/runtime/process/thread-priority";
import { collectRuntimeMetrics, openLogger } from "@meterbook/runtime/telemetry/telemetry";
import { metricsHub, serveThreadMetrics } from "@meterbook/runtime/telemetry/thread-metrics";
import { Registry } from "prom-client";
import { exportThreads } from "./export-threads.ts";
import { measuredThreadNames, type RunningSettings, threadNames } from "./thread-names.ts";

const metricsWaitMs = 2000;

/** Meters come before those who ask. */
yieldToOthers(5);

await runThread(async (settings: RunningSettings, own) => {
  const { dataDir, shards } = settings;
  // A close moves log time, which never goes back.
  const clock = steadyClock({ toleranceMs: settings.clockToleranceSeconds * 1000 });
  const log = openLogger({ name: "api", level: settings.logLevel, format: settings.logFormat });
  const metrics = new Registry();
  collectRuntimeMetrics(metrics, "api");
  own(serveThreadMetrics(metrics, "api"));
  const hub = own(metricsHub(measuredThreadNames(settings)));
  const health = own(publishHealth());
  const notices = standingProblems({ log, kind: "notice" });
  const watch = own(watchHealth({ expected: threadNames(settings) }));
  const reader = messageReader({ ...readLimits, ...settings.messages }, clock);
  const damage = own(openEmbeddedDamageLog({ dataDir }));
  damageMetrics(metrics, damage);
  lossMetrics(metrics, damage);
  const ears = { tell: own(damageTeller(damage, log)).tell, nowMs: () => clock.nowMs() };

  const ports = {
    clock,
    series: own(openEmbeddedSeriesReader({ dataDir, shards, ears })),
    snapshots: own(openEmbeddedSnapshotView({ dataDir, shards, ears })),
    rowThreads: exportThreads(dataDir, shards),
    registry: own(await openEmbeddedRegistry({ dataDir, clock, damaged: ears.tell })),
    readingsLog: own(await openEmbeddedReadingsLog({ dataDir, clock, partitions: shards })),
    rejectedLog: own(openEmbeddedRejectedLog({ dataDir, ears })),
    damage,
    audit: own(
      openEmbeddedAuditLog({
        dataDir,
        retentionDays: settings.auditRetentionDays,
        nowMs: () => clock.nowMs(),
      }),
    ),
    jobs: own(openEmbeddedJobLog({ dataDir })),
    gaps: own(openEmbeddedGapLog({ dataDir })),
    billing: own(openEmbeddedBillingLog({ dataDir })),
    groupSums: own(openEmbeddedGroupSumsReader({ dataDir })),
    metricsText: () => hub.collect(metricsWaitMs),
    async health() {
      const { ready, problems, notices: told } = watch.current();
      const named = problems.map(({ name, detail }) => `${name}: ${detail}`);
      return { ready, problems: named, notices: [...told, ...notices.current()] };
    },
    // A message counts as received once it is in a log, so nothing is in hand that was counted.
    inFlight: () => 0,
    replay: reader.replay,
  };
  lagMetrics(metrics, ports);
  const keyNoticeMs = settings.certificateNoticeDays * 86_400_000;
  const { listen, ...rest } = {
    listen: settings.httpListen,
    timeZone: settings.timeZone,
    rules: settings.rules,
    watchFiles,
    keyNoticeMs,
    pages: builtPages,
  };
  const apiSettings =
    settings.apiKeysFile === undefined ? { listen, ...rest } : { listen, ...rest, apiKeysFile: settings.apiKeysFile };
  const api = own(
    await serveApi(ports, apiSettings, {
      events: {
        requestFailed: callFailures(log, notices),
        exportEnded: ({ route, caller }) =>
          log.warn({ route, caller }, "An export was ended: its client took it too slowly."),
        auditFailed: ({ waiting, error }) =>
          log.warn({ waiting, error }, "Who read what could not be written down; it waits and is tried again."),
        keysFailed: ({ error }) =>
          log.warn({ error }, "The keys file cannot be used as it is now; the keys from before stay."),
        openWithoutKeys: ({ address }) =>
          log.warn({ address }, "The API is open to everybody on this machine: METERBOOK_API_KEYS_FILE is not set."),
      },
    }),
  );
  health.report({ name: "api", ok: true, detail: "" });
  return { address: api.address };
});
