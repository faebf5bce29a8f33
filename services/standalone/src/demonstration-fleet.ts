import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { localCalendar } from "@meterbook/core/domain/local-calendar";
import { periodName } from "@meterbook/core/domain/snapshot";
import type { Settings } from "@meterbook/runtime/load-settings";
import type { Logger } from "@meterbook/runtime/telemetry";
import { startFleet } from "@meterbook/simulators/fleet";

export interface DemonstrationOptions {
  readonly mqttUrl: string;
  readonly httpUrl: string;
  readonly settings: Pick<Settings, "dataDir" | "timeZone" | "apiKeysFile">;
  readonly log: Logger;
  readonly say: (line: string) => void;
}

const meters = 100;
const monthsOfHistory = 2;

/**
 * A hundred simulated meters that report the last two months and then go on live. The month in which they began is kept
 * in the data directory: after another start the registers go on counting, and what is sent again is a duplicate.
 */
export async function startDemonstrationFleet(options: DemonstrationOptions): Promise<{ close(): Promise<void> }> {
  const { settings, mqttUrl, httpUrl, log, say } = options;
  const zone = settings.timeZone;
  const thisMonth = localCalendar(zone).periodOf(Date.now() / 1000);
  const from = await rememberedMonth(
    join(settings.dataDir, "demonstration-fleet.json"),
    periodName(thisMonth - monthsOfHistory),
  );
  const fleet = startFleet({
    url: mqttUrl,
    meters,
    zone,
    from,
    reportEvery: 86_400,
    liveReportEvery: 900,
    live: true,
    log: (text) => log.info({}, `Fleet: ${text}.`),
  });
  say(`${meters} simulated meters report from ${from} on, then live every quarter hour.`);
  fleet.history
    .then(() => closeMonths(httpUrl, [thisMonth - 2, thisMonth - 1], settings.apiKeysFile))
    .then(() => say(guide(httpUrl, periodName(thisMonth - 1))))
    .catch((error: unknown) => log.error({ error }, "The simulated fleet stopped."));
  return { close: () => fleet.stop() };
}

async function rememberedMonth(file: string, month: string): Promise<string> {
  try {
    return (JSON.parse(await readFile(file, "utf8")) as { from: string }).from;
  } catch {
    await writeFile(file, `${JSON.stringify({ from: month })}\n`);
    return month;
  }
}

/** Nobody who tries this out should wait for the settle time. Where keys are needed, it passes by itself. */
async function closeMonths(httpUrl: string, periods: readonly number[], keysFile: string | undefined): Promise<void> {
  if (keysFile !== undefined) return;
  for (const period of periods) await fetch(`${httpUrl}/v1/periods/${periodName(period)}/close`, { method: "POST" });
}

function guide(httpUrl: string, month: string): string {
  return [
    "The history is in. Ask, for example:",
    `  curl '${httpUrl}/v1/status'                                      what was received, stored, refused`,
    `  curl '${httpUrl}/v1/snapshots?period=${month}&limit=2'           last month's closing registers`,
    `  curl '${httpUrl}/v1/periods/${month}'                            how the month stands`,
    `  curl -H 'accept: text/csv' '${httpUrl}/v1/snapshots?period=${month}'   all of them, for billing`,
    `  curl '${httpUrl}/v1/meters/sim-000001/curve?register=1.8.0&from=${month}-01T00:00:00Z&to=${month}-08T00:00:00Z&resolution=P1D'`,
    `and see every call at ${httpUrl}/docs. Ctrl-C ends it; the data stay.`,
  ].join("\n");
}
