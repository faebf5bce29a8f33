import { certificateWatch } from "@meterbook/adapters/certificates/certificate-watch";
import { kafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import { openKafkaDamageLog } from "@meterbook/adapters/kafka/damage-log/kafka-damage-log";
import { openKafkaGapLog } from "@meterbook/adapters/kafka/gap-log/kafka-gap-log";
import { kafkaMetrics } from "@meterbook/adapters/kafka/kafka-metrics";
import { openKafkaReadingsLog } from "@meterbook/adapters/kafka/readings-log/kafka-readings-log";
import { openKafkaRejectedAppender } from "@meterbook/adapters/kafka/rejected-log/kafka-rejected-log";
import { followRefusedByOthers } from "@meterbook/adapters/kafka/rejected-log/refused-by-others";
import { kafkaProbe } from "@meterbook/adapters/kafka/topics/kafka-probe";
import { startOnKafka } from "@meterbook/adapters/kafka/topics/kafka-start";
import { watchTopics } from "@meterbook/adapters/kafka/topics/watch-topics";
import { openMeterSource } from "@meterbook/adapters/meter-source/meter-source";
import { fairTurns } from "@meterbook/adapters/mqtt-endpoint/bounds/fair-turns";
import { systemClock as clock } from "@meterbook/core/ports/clock";
import type { RefusedMessage } from "@meterbook/core/ports/refused-message";
import { messageReader, readLimits } from "@meterbook/intake/read-message";
import { rejectedQuota } from "@meterbook/intake/refused/rejected-quota";
import { steadyClock } from "@meterbook/runtime/clock/steady-clock";
import { damageNotices } from "@meterbook/runtime/health/damage-notices";
import { serveHealth } from "@meterbook/runtime/health/health-server";
import { standingProblems } from "@meterbook/runtime/health/standing-problems";
import { watchClock } from "@meterbook/runtime/health/watch-clock";
import { watchDependency } from "@meterbook/runtime/health/watch-dependency";
import { acceptServers } from "@meterbook/runtime/process/accept-servers";
import { optionsOrExit } from "@meterbook/runtime/process/command-options";
import { crashPoints } from "@meterbook/runtime/process/crash-point";
import type { Own } from "@meterbook/runtime/process/owned-things";
import { runService } from "@meterbook/runtime/process/run-service";
import { type KafkaSettings, topicRetention } from "@meterbook/runtime/settings/kafka-settings";
import { settingsOrExit } from "@meterbook/runtime/settings/load-settings";
import { mqttUrlOf } from "@meterbook/runtime/settings/mqtt-settings";
import { collectRuntimeMetrics, openLogger } from "@meterbook/runtime/telemetry/telemetry";
import { Registry } from "prom-client";
import { askMeters, type MeterAsking } from "./ask-meters.ts";
import { countLateRefusals } from "./count-late-refusals.ts";
import { gatherRejections } from "./gather-rejections.ts";
import { gatherTurns, writtenWithTheirTurn } from "./gather-turns.ts";
import { ingestMessages } from "./ingest-messages.ts";
import { ingestMetrics } from "./ingest-metrics.ts";
import { meterSenders } from "./meter-senders.ts";
import { rejectOversized } from "./reject-oversized.ts";
import { rejectedDoor } from "./rejected-door.ts";

/**
 * Takes what meters report, over our own endpoint or from an external broker, into Kafka. Any number of these run side
 * by side.
 */
optionsOrExit({
  usage: `npm run ingest

Takes what meters report, over our own endpoint or from an external broker, into Kafka. Settings are environment variables
METERBOOK_* or a .env file (docs/operations.md).`,
});
const settings = settingsOrExit("ingest");
const log = openLogger({ name: "ingest", level: settings.logLevel, format: settings.logFormat });
const metrics = new Registry();
const steady = steadyClock({ toleranceMs: settings.clockToleranceSeconds * 1000 });
const standing = standingProblems({ log });
const notices = standingProblems({ log, kind: "notice" });
const dayMs = 86_400_000;
const noticeMs = settings.certificateNoticeDays * dayMs;
const certificates = certificateWatch({ noticeMs, standing, notices, metrics, clock });
let damaged = async (): Promise<readonly string[]> => [];

async function openLogs(kafka: KafkaSettings, own: Own) {
  const connection = kafkaConnection(kafka, {
    clientId: "meterbook-ingest",
    certificates,
    log: (level, message, fields) => log[level](fields, message),
  });
  const wishes = { ...kafka, ...topicRetention(settings) };
  const found = await startOnKafka(connection, wishes);
  acceptServers(log, [found]);
  own(watchTopics(connection, { ...wishes, found, everySeconds: kafka.lookSeconds, standing, notices }));
  const { partitions } = found;
  own(watchClock({ clock: steady, holdsBack: "nothing", standing, notices }));
  const events = kafkaMetrics(metrics, log, standing);
  const probe = own(kafkaProbe(connection), "Kafka's probe");
  own(watchDependency(standing, { name: "kafka", says: "Kafka does not answer", probe: probe.ask }));
  const damages = own(await openKafkaDamageLog({ connection, dataDir: "memory", events }), "damage log");
  damaged = () => damageNotices(damages);
  const rejected = own(openKafkaRejectedAppender({ connection, events }), "rejected log");
  const byOthers = { connection, events, except: rejected };
  return {
    log: own(
      openKafkaReadingsLog({ connection, partitions, events, crashPoint, busy: writtenWithTheirTurn }),
      "readings log",
    ),
    rejected,
    countRefused: async (refused: (message: RefusedMessage) => void) =>
      void own(await followRefusedByOthers({ ...byOthers, refused }), "refusals of others"),
    gaps: own(await openKafkaGapLog({ connection, dataDir: "memory", events }), "gap log"),
  };
}

const allNotices = async () => [...(await damaged()), ...notices.current()];

const crashPoint = crashPoints(settings.crashAt);

await runService(
  async (own) => {
    collectRuntimeMetrics(metrics, "ingest");
    standing.raise("start", "is starting");
    const health = own(
      await serveHealth({ listen: settings.httpListen, metrics, problems: standing.current, notices: allNotices }),
      "health server",
    );
    const logs = await openLogs(settings.kafka as KafkaSettings, own);
    const { packetBytesMax, connectionsMax } = settings;
    const events = ingestMetrics(metrics, log, standing);
    const { retentionDays, ...quotas } = settings.rejected;
    const quota = rejectedQuota({ ...quotas, retentionMs: retentionDays * dayMs, nowMs: () => performance.now() });
    const door = rejectedDoor({ quota, events, whenFull: settings.mqttBroker === undefined ? "hold" : "cut" });
    const senders = settings.mqttBroker === undefined ? meterSenders() : undefined;
    await logs.countRefused(
      countLateRefusals({
        door: rejectedDoor({ quota, events, whenFull: "late" }),
        senders: senders ?? meterSenders(),
      }),
    );
    const reject = gatherRejections(logs.rejected);
    const reader = messageReader({ ...readLimits, ...settings.messages }, clock);
    const turns = fairTurns();
    let asking: MeterAsking | undefined;
    const source = own(
      await openMeterSource(
        {
          listen: settings.mqttListen,
          connectionsMax,
          packetBytesMax,
          broker: settings.mqttBroker,
          tls: settings.mqttTls,
          identitiesFile: settings.mqttIdentitiesFile,
          packetTooLarge: rejectOversized({ append: reject }, events, {
            packetBytesMax,
            nowMs: () => clock.nowMs(),
            door,
          }),
          turns,
          listening: (meterId) => asking?.listening(meterId),
          metrics,
          log,
          standing,
          notices,
          certificates,
          clock,
        },
        gatherTurns(ingestMessages({ log: logs.log, reject }, { reader, events, door, senders, crashPoint }), turns),
      ),
      "MQTT",
    );
    const { asksPerSecond: perSecond, backOffMs: repeatMs } = settings.gaps;
    const toAsk = { gaps: logs.gaps, endpoint: source, clock };
    asking = own(await askMeters(toAsk, { perSecond, repeatMs, events }), "requests");
    standing.clear("start");
    console.log(`meterbook ready ${mqttUrlOf(settings, source.address)} http://${health.address}`);
  },
  { log, settings },
);
