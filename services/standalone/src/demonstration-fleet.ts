import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Settings } from "@meterbook/runtime/load-settings";
import type { Logger } from "@meterbook/runtime/telemetry";
import { startFleet } from "@meterbook/simulators/fleet";

export interface DemonstrationOptions {
  readonly mqttUrl: string;
  readonly httpUrl: string;
  readonly settings: Settings;
  readonly log: Logger;
  readonly say: (line: string) => void;
}

const meters = 100;
const seed = 1;
const stepSeconds = 900;

/**
 * A hundred simulated meters that report the last two months and then go on live. What they are is kept in the data
 * directory, so that a later start goes on where this one ends and the registers keep counting.
 */
export async function startDemonstrationFleet(options: DemonstrationOptions): Promise<{ close(): Promise<void> }> {
  const { settings, mqttUrl, httpUrl, log, say } = options;
  const began = await rememberedStart(join(settings.dataDir, "demonstration-fleet.json"), settings.timeZone);
  const fleet = startFleet({ url: mqttUrl, seed, meters, zone: settings.timeZone, step: stepSeconds, from: began, live: true, log: () => undefined });
  say(guide(httpUrl, mqttUrl, settings.timeZone));
  void fleet.done.catch((error: unknown) => log.error({ error }, "The simulated fleet stopped."));
  return { close: () => fleet.stop() };
}

async function rememberedStart(file: string, zone: string): Promise<string> {
  try {
    return (JSON.parse(await readFile(file, "utf8")) as { from: string }).from;
  } catch {
    const from = new Date().toISOString();
    await writeFile(file, JSON.stringify({ from, zone }));
    return from;
  }
}

function guide(httpUrl: string, _mqttUrl: string, _zone: string): string {
  return httpUrl;
}
