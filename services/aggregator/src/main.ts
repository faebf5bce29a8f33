import { certificateWatch } from "@meterbook/adapters/certificates/certificate-watch";
import { checkInflux } from "@meterbook/adapters/influxdb/client/influx-check";
import { influxMetrics } from "@meterbook/adapters/influxdb/client/influx-metrics";
import { influxProbes } from "@meterbook/adapters/influxdb/client/influx-probe";
import { openInfluxGroupSums } from "@meterbook/adapters/influxdb/group-sums/influxdb-group-sums";
import { openInfluxSeriesStores } from "@meterbook/adapters/influxdb/series/influxdb-series-store";
import { kafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import { openKafkaDamageLog } from "@meterbook/adapters/kafka/damage-log/kafka-damage-log";
import { openKafkaGapLog } from "@meterbook/adapters/kafka/gap-log/kafka-gap-log";
import { kafkaLagMetrics, kafkaMetrics } from "@meterbook/adapters/kafka/kafka-metrics";
import { openKafkaSnapshotLedgers } from "@meterbook/adapters/kafka/ledger/kafka-snapshot-ledger";
import { openKafkaReadingsLog } from "@meterbook/adapters/kafka/readings-log/kafka-readings-log";
import { openKafkaRegistry } from "@meterbook/adapters/kafka/registry/kafka-registry";
import { openKafkaRejectedAppender } from "@meterbook/adapters/kafka/rejected-log/kafka-rejected-log";
import { kafkaProbe } from "@meterbook/adapters/kafka/topics/kafka-probe";
import { startOnKafka } from "@meterbook/adapters/kafka/topics/kafka-start";
import { watchTopics } from "@meterbook/adapters/kafka/topics/watch-topics";
import { takeOwnDirectory } from "@meterbook/adapters/sqlite-views/file/own-directory";
import { rejectedQuota } from "@meterbook/intake/refused/rejected-quota";
import { steadyClock } from "@meterbook/runtime/clock/steady-clock";
import { timeWitnesses } from "@meterbook/runtime/clock/time-witnesses";
import { damageNotices } from "@meterbook/runtime/health/damage-notices";
import { serveHealth } from "@meterbook/runtime/health/health-server";
import { standingProblems } from "@meterbook/runtime/health/standing-problems";
import { damageTeller } from "@meterbook/runtime/health/tell-damage";
import { watchClock } from "@meterbook/runtime/health/watch-clock";
import { watchDependency } from "@meterbook/runtime/health/watch-dependency";
import { watchDisk } from "@meterbook/runtime/health/watch-disk";
import { watchInflux } from "@meterbook/runtime/health/watch-influx";
import { acceptServers } from "@meterbook/runtime/process/accept-servers";
import { optionsOrExit } from "@meterbook/runtime/process/command-options";
import { crashPoints } from "@meterbook/runtime/process/crash-point";
import type { Own } from "@meterbook/runtime/process/owned-things";
import { runService } from "@meterbook/runtime/process/run-service";
import { type KafkaSettings, topicRetention } from "@meterbook/runtime/settings/kafka-settings";
import { type InfluxSettings, settingsOrExit } from "@meterbook/runtime/settings/load-settings";
import { collectRuntimeMetrics, openLogger } from "@meterbook/runtime/telemetry/telemetry";
import { Registry } from "prom-client";
import { aggregateReadings } from "./aggregate-readings.ts";
import { aggregatorMetrics } from "./aggregator-metrics.ts";
import { rejectLines } from "./apply/reject-lines.ts";
import { shareRefused } from "./apply/share-refused.ts";

/** Takes the readings from Kafka into InfluxDB and issues snapshots. Any number of these share the partitions. */
optionsOrExit({
  usage: `npm run aggregator

Takes the readings log into InfluxDB and issues month-end snapshots. Settings are environment variables
METERBOOK_* or a .env file (docs/operations.md).`,
});
const settings = settingsOrExit("aggregator");
const log = openLogger({ name: "aggregator", level: settings.logLevel, format: settings.logFormat });
const metrics = new Registry();
const clock = steadyClock({ toleranceMs: settings.clockToleranceSeconds * 1000 });
const standing = standingProblems({ log });
const notices = standingProblems({ log, kind: "notice" });
const noticeMs = settings.certificateNoticeDays * 86_400_000;
const certificates = certificateWatch({ noticeMs, standing, notices, metrics, clock });
let damageFound = async (): Promise<readonly string[]> => [];
const allNotices = async () => [...(await damageFound()), ...notices.current()];
const crashPoint = crashPoints(settings.crashAt);

/** Everything that is wrong with the servers is said at once. */
async function lookAtServers(kafka: KafkaSettings, influx: InfluxSettings, own: Own) {
  const connection = kafkaConnection(kafka, {
    clientId: "meterbook-aggregator",
    certificates,
    log: (level, message, fields) => log[level](fields, message),
  });
  const wishes = { ...kafka, ...topicRetention(settings) };
  const [found, onInflux] = await Promise.all([startOnKafka(connection, wishes), checkInflux(influx, clock)]);
  acceptServers(log, [found, onInflux]);
  own(watchTopics(connection, { ...wishes, found, everySeconds: kafka.lookSeconds, standing, notices }));
  return { connection, partitions: found.partitions };
}

async function openPorts(kafka: KafkaSettings, influx: InfluxSettings, own: Own) {
  const { connection, partitions } = await lookAtServers(kafka, influx, own);
  own(watchClock({ clock, holdsBack: "months", standing, notices }));
  const dataDir = own(takeOwnDirectory(settings.dataDir, "aggregator"), "data directory").path;
  own(watchDisk({ path: dataDir, setting: "METERBOOK_DATA_DIR", standing, notices }));
  const events = kafkaMetrics(metrics, log, standing);
  const probe = own(kafkaProbe(connection), "Kafka's probe");
  own(watchDependency(standing, { name: "kafka", says: "Kafka does not answer", probe: probe.ask }));
  const consumer = { sessionTimeout: kafka.sessionSeconds * 1000, heartbeatInterval: kafka.sessionSeconds * 100 };
  const damages = own(await openKafkaDamageLog({ connection, dataDir, events }), "damage log");
  damageFound = () => damageNotices(damages);
  const damaged = own(damageTeller(damages, log), "damage teller").tell;
  const onLog = { connection, partitions, events, consumer, damaged, crashPoint };
  const readings = own(openKafkaReadingsLog(onLog), "readings log");
  kafkaLagMetrics(metrics, readings.lag);
  const { retentionDays, ...room } = settings.rejected;
  const quota = rejectedQuota({ ...room, retentionMs: retentionDays * 86_400_000, nowMs: () => performance.now() });
  const rejected = shareRefused(own(openKafkaRejectedAppender({ connection, events }), "rejected log"), quota);
  const ears = { tell: damaged, nowMs: () => clock.nowMs() };
  const influxEvents = influxMetrics(metrics, log, standing);
  for (const { url, ask, close } of influxProbes(influx)) {
    own({ close }, "InfluxDB's probe");
    own(watchInflux({ url, ask, standing, clock }));
  }
  const refused = rejectLines(rejected, clock);
  const ports = {
    clock,
    damages,
    log: readings,
    series: own(openInfluxSeriesStores({ ...influx, partitions, refused, events: influxEvents, ears }), "series store"),
    ledgers: own(await openKafkaSnapshotLedgers({ connection, dataDir, events, crashPoint, ears }), "ledger"),
    registry: own(await openKafkaRegistry({ connection, dataDir, events, damaged }), "registry"),
    rejected,
    gaps: own(await openKafkaGapLog({ connection, dataDir, events }), "gap log"),
    groups: own(openInfluxGroupSums({ ...influx, events: influxEvents }), "sums of groups"),
  };
  return { ports, damaged };
}

await runService(
  async (own) => {
    collectRuntimeMetrics(metrics, "aggregator");
    standing.raise("start", "is starting");
    const health = own(
      await serveHealth({ listen: settings.httpListen, metrics, problems: standing.current, notices: allNotices }),
      "health server",
    );
    const { ports, damaged } = await openPorts(settings.kafka as KafkaSettings, settings.influx as InfluxSettings, own);
    const events = aggregatorMetrics(metrics, {
      ...{ log, standing, notices },
      clockToleranceMs: settings.clockToleranceSeconds * 1000,
    });
    const { timeZone, settleSeconds, gaps, rules, admission: limits } = settings;
    const witnesses = timeWitnesses({ clock, leapMs: settings.clockLeapSecondsMax * 1000 });
    const options = { timeZone, settleSeconds, limits, rules, gaps, events, damaged, crashPoint, witnesses };
    own(await aggregateReadings(ports, options), "aggregator");
    standing.clear("start");
    console.log(`meterbook ready http://${health.address}`);
  },
  { log, settings },
);
