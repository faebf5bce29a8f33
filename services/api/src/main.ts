import { certificateWatch } from "@meterbook/adapters/certificates/certificate-watch";
import { watchFiles } from "@meterbook/adapters/certificates/watched-files";
import { checkInflux } from "@meterbook/adapters/influxdb/client/influx-check";
import { influxMetrics } from "@meterbook/adapters/influxdb/client/influx-metrics";
import { influxProbes } from "@meterbook/adapters/influxdb/client/influx-probe";
import { openInfluxGroupSumsReader } from "@meterbook/adapters/influxdb/group-sums/influxdb-group-sums";
import { openInfluxSeriesReader } from "@meterbook/adapters/influxdb/series/influxdb-series-reader";
import { openKafkaAuditLog } from "@meterbook/adapters/kafka/audit-log/kafka-audit-log";
import { openKafkaBillingLog } from "@meterbook/adapters/kafka/billing-log/kafka-billing-log";
import { kafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import { openKafkaDamageLog } from "@meterbook/adapters/kafka/damage-log/kafka-damage-log";
import { openKafkaGapLog } from "@meterbook/adapters/kafka/gap-log/kafka-gap-log";
import { openKafkaJobLog } from "@meterbook/adapters/kafka/job-log/kafka-job-log";
import { kafkaMetrics } from "@meterbook/adapters/kafka/kafka-metrics";
import { openKafkaSnapshotView } from "@meterbook/adapters/kafka/ledger/kafka-snapshot-ledger";
import { openKafkaReadingsLog } from "@meterbook/adapters/kafka/readings-log/kafka-readings-log";
import { openKafkaRegistry } from "@meterbook/adapters/kafka/registry/kafka-registry";
import { openKafkaRejectedLog } from "@meterbook/adapters/kafka/rejected-log/kafka-rejected-log";
import { kafkaProbe } from "@meterbook/adapters/kafka/topics/kafka-probe";
import { startOnKafka } from "@meterbook/adapters/kafka/topics/kafka-start";
import { watchTopics } from "@meterbook/adapters/kafka/topics/watch-topics";
import { takeOwnDirectory } from "@meterbook/adapters/sqlite-views/file/own-directory";
import { messageReader, readLimits } from "@meterbook/intake/read-message";
import { steadyClock } from "@meterbook/runtime/clock/steady-clock";
import { standingProblems } from "@meterbook/runtime/health/standing-problems";
import { damageTeller } from "@meterbook/runtime/health/tell-damage";
import { watchClock } from "@meterbook/runtime/health/watch-clock";
import { watchDependency } from "@meterbook/runtime/health/watch-dependency";
import { watchDisk } from "@meterbook/runtime/health/watch-disk";
import { watchInflux } from "@meterbook/runtime/health/watch-influx";
import { acceptServers } from "@meterbook/runtime/process/accept-servers";
import { optionsOrExit } from "@meterbook/runtime/process/command-options";
import type { Own } from "@meterbook/runtime/process/owned-things";
import { runService } from "@meterbook/runtime/process/run-service";
import { type KafkaSettings, topicRetention } from "@meterbook/runtime/settings/kafka-settings";
import { type InfluxSettings, settingsOrExit } from "@meterbook/runtime/settings/load-settings";
import { collectRuntimeMetrics, openLogger } from "@meterbook/runtime/telemetry/telemetry";
import { Counter, Registry } from "prom-client";
import { damageMetrics } from "./api-metrics.ts";
import type { ApiPorts } from "./api-ports.ts";
import { builtPages } from "./http/pages/web-pages.ts";
import { callFailures } from "./http/problems/call-failures.ts";
import { lagMetrics, lossMetrics } from "./operation/figure-metrics.ts";
import { serveApi } from "./serve-api.ts";

/**
 * Answers billing, analysts and operators from the ledger, the registry and InfluxDB. Any number of these agree with
 * each other.
 */
optionsOrExit({
  usage: `npm run api

Serves what is stored and issued, on Kafka and InfluxDB. Settings are environment variables
METERBOOK_* or a .env file (docs/operations.md).`,
});
const settings = settingsOrExit("api");
const log = openLogger({ name: "api", level: settings.logLevel, format: settings.logFormat });
const metrics = new Registry();
const clock = steadyClock({ toleranceMs: settings.clockToleranceSeconds * 1000 });
const standing = standingProblems({ log });
const notices = standingProblems({ log, kind: "notice" });
const noticeMs = settings.certificateNoticeDays * 86_400_000;
const certificates = certificateWatch({ noticeMs, standing, notices, metrics, clock });

function rejectedForgotten(registry: Registry): (refusals: number) => void {
  const forgotten = new Counter({
    name: "meterbook_rejected_forgotten_total",
    help: "Refusals that were older than METERBOOK_REJECTED_RETENTION_DAYS and are shown no more by this process; they still count as rejected.",
    registers: [registry],
  });
  return (refusals) => forgotten.inc(refusals);
}

/** Everything that is wrong with the servers is said at once. */
async function lookAtServers(kafka: KafkaSettings, influx: InfluxSettings, own: Own) {
  const connection = kafkaConnection(kafka, {
    clientId: "meterbook-api",
    certificates,
    log: (level, message, fields) => log[level](fields, message),
  });
  const wishes = { ...kafka, ...topicRetention(settings) };
  const [found, onInflux] = await Promise.all([startOnKafka(connection, wishes), checkInflux(influx, clock)]);
  acceptServers(log, [found, onInflux]);
  own(watchTopics(connection, { ...wishes, found, everySeconds: kafka.lookSeconds, standing, notices }));
  return { connection, partitions: found.partitions };
}

async function openPorts(kafka: KafkaSettings, influx: InfluxSettings, own: Own): Promise<ApiPorts> {
  const { connection, partitions } = await lookAtServers(kafka, influx, own);
  own(watchClock({ clock, holdsBack: "nothing", standing, notices }));
  const dataDir = own(takeOwnDirectory(settings.dataDir, "api"), "data directory").path;
  own(watchDisk({ path: dataDir, setting: "METERBOOK_DATA_DIR", standing, notices }));
  const events = kafkaMetrics(metrics, log, standing);
  const probe = own(kafkaProbe(connection), "Kafka's probe");
  own(watchDependency(standing, { name: "kafka", says: "Kafka does not answer", probe: probe.ask }));
  const reader = messageReader({ ...readLimits, ...settings.messages }, clock);
  const damage = own(await openKafkaDamageLog({ connection, dataDir, events }), "damage log");
  damageMetrics(metrics, damage);
  lossMetrics(metrics, damage);
  const ears = { tell: own(damageTeller(damage, log), "damage").tell, nowMs: () => clock.nowMs() };
  const influxEvents = influxMetrics(metrics, log, standing);
  for (const { url, ask, close } of influxProbes(influx)) {
    own({ close }, "InfluxDB's probe");
    own(watchInflux({ url, ask, standing, clock }));
  }
  const { retentionDays } = settings.rejected;
  const retention = { retentionDays, nowMs: () => clock.nowMs(), forgot: rejectedForgotten(metrics) };
  return {
    clock,
    series: own(openInfluxSeriesReader({ ...influx, events: influxEvents, ears }), "series reader"),
    snapshots: own(await openKafkaSnapshotView({ connection, dataDir, events, ears }), "ledger view"),
    registry: own(await openKafkaRegistry({ connection, dataDir, events, damaged: ears.tell }), "registry"),
    rejectedLog: own(await openKafkaRejectedLog({ connection, dataDir, events, retention, ears }), "rejected log"),
    readingsLog: own(openKafkaReadingsLog({ connection, partitions, events }), "readings log"),
    damage,
    audit: own(
      await openKafkaAuditLog({
        connection,
        dataDir,
        events,
        retentionDays: settings.auditRetentionDays,
        nowMs: () => clock.nowMs(),
      }),
      "audit log",
    ),
    jobs: own(await openKafkaJobLog({ connection, dataDir, events }), "job log"),
    gaps: own(await openKafkaGapLog({ connection, dataDir, events }), "gap log"),
    billing: own(await openKafkaBillingLog({ connection, dataDir, events }), "billing log"),
    groupSums: own(openInfluxGroupSumsReader({ ...influx, events: influxEvents }), "sums of groups"),
    metricsText: () => metrics.metrics(),
    async health() {
      const problems = standing.current();
      return { ready: problems.length === 0, problems, notices: notices.current() };
    },
    // A message counts as received once it is in a log, so nothing is in hand that was counted.
    inFlight: () => 0,
    replay: reader.replay,
  };
}

await runService(
  async (own) => {
    collectRuntimeMetrics(metrics, "api");
    const ports = await openPorts(settings.kafka as KafkaSettings, settings.influx as InfluxSettings, own);
    lagMetrics(metrics, ports);
    const { httpListen: listen, timeZone, apiKeysFile } = settings;
    const api = own(
      await serveApi(
        ports,
        {
          listen,
          timeZone,
          rules: settings.rules,
          watchFiles,
          keyNoticeMs: noticeMs,
          pages: builtPages,
          ...(apiKeysFile === undefined ? {} : { apiKeysFile }),
        },
        {
          events: {
            requestFailed: callFailures(log, notices),
            exportEnded: ({ route, caller }) =>
              log.warn({ route, caller }, "An export was ended: its client took it too slowly."),
            auditFailed: ({ waiting, error }) =>
              log.warn({ waiting, error }, "Who read what could not be written down; it waits and is tried again."),
            keysFailed: ({ error }) =>
              log.warn({ error }, "The keys file cannot be used as it is now; the keys from before stay."),
            openWithoutKeys: ({ address }) =>
              log.warn(
                { address },
                "The API is open to everybody on this machine: METERBOOK_API_KEYS_FILE is not set.",
              ),
          },
        },
      ),
      "api",
    );
    console.log(`meterbook ready http://${api.address}`);
  },
  { log, settings },
);
