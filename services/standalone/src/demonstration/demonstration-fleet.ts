import { join } from "node:path";
import { periodName } from "@meterbook/core/domain/snapshot/snapshot";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { Settings } from "@meterbook/runtime/settings/load-settings";
import type { Logger } from "@meterbook/runtime/telemetry/telemetry";
import { startFleet } from "../../../../simulators/src/fleet/fleet.ts";
import { meterIdOf } from "../../../../simulators/src/meters/meter-profile.ts";
import { registerFeeders, reportFeeders } from "./demonstration-feeders.ts";
import { openFleetMemory } from "./fleet-memory.ts";

export interface DemonstrationOptions {
  readonly mqttUrl: string;
  readonly httpUrl: string;
  readonly settings: Pick<Settings, "dataDir" | "timeZone" | "apiKeysFile">;
  readonly log: Pick<Logger, "info" | "error">;
  readonly say: (line: string) => void;
  /** A hundred where absent. */
  readonly meters?: number;
  readonly nowMs?: () => number;
}

const monthsOfHistory = 2;

/**
 * A hundred simulated meters that report the last two months and then go on live. The month in which they began and how
 * far each was acknowledged are kept in the data directory: after another start the registers go on counting, and
 * nothing is sent again.
 */
export async function startDemonstrationFleet(options: DemonstrationOptions): Promise<{ close(): Promise<void> }> {
  const { settings, mqttUrl, httpUrl, log, say, meters = 100, nowMs = Date.now } = options;
  const zone = settings.timeZone;
  const thisMonth = localCalendar(zone).periodOf(nowMs() / 1000);
  const memory = await openFleetMemory(join(settings.dataDir, "demonstration-fleet.json"), {
    meters,
    from: periodName(thisMonth - monthsOfHistory),
  });
  const { from, sentTo } = memory;
  const isOpen = settings.apiKeysFile === undefined;
  const closing = new AbortController();
  if (isOpen)
    await registerFeeders(
      httpUrl,
      Array.from({ length: meters }, (_, i) => meterIdOf("sim-000001", i)),
    );
  const fleet = startFleet({
    url: mqttUrl,
    meters,
    zone,
    from,
    reportEvery: 86_400,
    liveReportEvery: 900,
    live: true,
    nowMs,
    sentTo,
    acknowledged: memory.acknowledged,
    log: (text) => log.info({}, `Fleet: ${text}.`),
  });
  const begin = sentTo.some((at) => at > 0) ? "go on where they were" : `report from ${from} on`;
  say(`${meters} simulated meters ${begin}, then live every quarter hour.`);
  fleet.history
    .then(() => closeMonths(httpUrl, [thisMonth - 2, thisMonth - 1], settings.apiKeysFile))
    .then(() => say(guide(httpUrl, periodName(thisMonth - 1))))
    .then(() => {
      const begin = localCalendar(zone).startOf(thisMonth - monthsOfHistory);
      const history = { httpUrl, mqttUrl, zone, from: begin, to: nowMs() / 1000, signal: closing.signal };
      return isOpen ? reportFeeders(history) : undefined;
    })
    .catch((error: unknown) => {
      if (!closing.signal.aborted) log.error({ error }, "The simulated fleet stopped.");
    });
  return {
    async close() {
      closing.abort();
      await fleet.stop();
      await memory.close();
    },
  };
}

/** Nobody who tries this out should wait for the settle time. Where keys are needed, it passes by itself. */
async function closeMonths(httpUrl: string, periods: readonly number[], keysFile: string | undefined): Promise<void> {
  if (keysFile !== undefined) return;
  const asked = { method: "POST", headers: { prefer: "wait=60" } };
  for (const period of periods) await fetch(`${httpUrl}/v1/periods/${periodName(period)}/close`, asked);
}

function guide(httpUrl: string, month: string): string {
  return [
    `The history is in. Look at it in a browser: ${httpUrl}/`,
    "Or ask, for example:",
    `  curl '${httpUrl}/v1/status'                                      what was received, stored, refused`,
    `  curl '${httpUrl}/v1/snapshots?period=${month}&limit=2'           last month's closing registers`,
    `  curl '${httpUrl}/v1/periods/${month}'                            how the month stands`,
    `  curl -H 'accept: text/csv' '${httpUrl}/v1/snapshots?period=${month}'   all of them, for billing`,
    `  curl '${httpUrl}/v1/meters/sim-000001/curve?register=1.8.0&from=${month}-01T00:00:00Z&to=${month}-08T00:00:00Z&resolution=P1D'`,
    `and see every call at ${httpUrl}/docs. Ctrl-C ends it; the data stay.`,
  ].join("\n");
}
