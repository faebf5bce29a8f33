import { certificateWatch } from "@meterbook/adapters/certificates/certificate-watch";
import { openEmbeddedDamageLog } from "@meterbook/adapters/embedded/damage-log/embedded-damage-log";
import { openEmbeddedGapLog } from "@meterbook/adapters/embedded/gap-log/embedded-gap-log";
import { openEmbeddedReadingsLog } from "@meterbook/adapters/embedded/readings-log/embedded-readings-log";
import { openEmbeddedRejectedLog } from "@meterbook/adapters/embedded/rejected-log/embedded-rejected-log";
import { takeHandedRejections } from "@meterbook/adapters/embedded/rejected-log/handed-rejections";
import { openMeterSource } from "@meterbook/adapters/meter-source/meter-source";
import { systemClock as clock } from "@meterbook/core/ports/clock";
import { askMeters, type MeterAsking } from "@meterbook/ingest/ask-meters";
import { gatherRejections } from "@meterbook/ingest/gather-rejections";
import { ingestMessages } from "@meterbook/ingest/ingest-messages";
import { ingestMetrics } from "@meterbook/ingest/ingest-metrics";
import { lateRejections } from "@meterbook/ingest/late-rejections";
import { meterSenders } from "@meterbook/ingest/meter-senders";
import { rejectOversized } from "@meterbook/ingest/reject-oversized";
import { rejectedDoor } from "@meterbook/ingest/rejected-door";
import { messageReader, readLimits } from "@meterbook/intake/read-message";
import { rejectedQuota } from "@meterbook/intake/refused/rejected-quota";
import { standingProblems } from "@meterbook/runtime/health/standing-problems";
import { damageTeller } from "@meterbook/runtime/health/tell-damage";
import { publishHealth } from "@meterbook/runtime/health/thread-health";
import { crashPoints } from "@meterbook/runtime/process/crash-point";
import { runThread } from "@meterbook/runtime/process/service-thread";
import { collectRuntimeMetrics, openLogger } from "@meterbook/runtime/telemetry/telemetry";
import { serveThreadMetrics } from "@meterbook/runtime/telemetry/thread-metrics";
import { Registry } from "prom-client";
import type { IngestThreadData } from "./thread-names.ts";

await runThread(async ({ settings, refusals }: IngestThreadData, own) => {
  const { dataDir } = settings;
  const log = openLogger({ name: "ingest", level: settings.logLevel, format: settings.logFormat });
  const metrics = new Registry();
  collectRuntimeMetrics(metrics, "ingest");
  own(serveThreadMetrics(metrics, "ingest"));
  const health = own(publishHealth());

  const crashPoint = crashPoints(settings.crashAt);
  const readings = own(await openEmbeddedReadingsLog({ dataDir, clock, crashPoint, partitions: settings.shards }));
  const report = () =>
    health.report({
      name: "ingest",
      ok: standing.current().length === 0,
      detail: standing.current().join("; "),
      notices: notices.current(),
    });
  const standing = standingProblems({ log, changed: report });
  const notices = standingProblems({ log, kind: "notice", changed: report });
  const noticeMs = settings.certificateNoticeDays * 86_400_000;
  const certificates = own(certificateWatch({ noticeMs, standing, notices, metrics, clock }));
  const events = ingestMetrics(metrics, log, standing);
  const { retentionDays, ...quotas } = settings.rejected;
  const retention = { retentionDays, nowMs: () => clock.nowMs(), forgot: events.rejectedForgotten };
  const damages = own(openEmbeddedDamageLog({ dataDir }));
  const ears = { tell: own(damageTeller(damages, log)).tell, nowMs: () => clock.nowMs() };
  const quota = rejectedQuota({
    ...{ ...quotas, retentionMs: retentionDays * 86_400_000, nowMs: () => performance.now() },
  });
  const rejected = own(openEmbeddedRejectedLog({ dataDir, retention, ears, emptied: quota.emptied }));
  const { packetBytesMax, connectionsMax } = settings;
  for (const [sender, bytes] of rejected.filledBy()) quota.holds(sender, bytes);
  const door = rejectedDoor({ quota, events, whenFull: settings.mqttBroker === undefined ? "hold" : "cut" });
  const senders = meterSenders();
  const reject = gatherRejections(rejected);
  const late = lateRejections({ door: rejectedDoor({ quota, events, whenFull: "cut" }), senders, reject });
  for (const from of refusals) own(takeHandedRejections(from, late));
  const take = ingestMessages(
    { log: readings, reject },
    {
      reader: messageReader({ ...readLimits, ...settings.messages }, clock),
      events,
      door,
      senders: settings.mqttBroker === undefined ? senders : undefined,
      crashPoint,
    },
  );
  let asking: MeterAsking | undefined;
  const endpoint = own(
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
        listening: (meterId) => asking?.listening(meterId),
        metrics,
        log,
        standing,
        notices,
        certificates,
        clock,
      },
      take,
    ),
  );
  asking = own(
    await askMeters(
      { gaps: own(openEmbeddedGapLog({ dataDir })), endpoint, clock },
      { perSecond: settings.gaps.asksPerSecond, repeatMs: settings.gaps.backOffMs, events },
    ),
  );
  report();
  return { address: endpoint.address };
});
