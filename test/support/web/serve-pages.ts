import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { isBuilt } from "../../../services/web/sources-hash.mjs";
import { publishAll } from "../network/publisher.ts";
import { startMeterbook } from "../processes/meterbook-process.ts";
import { chromiumHere, howToHaveChromium } from "./chromium.ts";
import { messagesOf, type ShownMeters, shownMeters } from "./shown-meters.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Undefined where there is no browser: then nothing is started. */
    pages: { readonly address: string; readonly meters: ShownMeters } | undefined;
  }
}

const historyMsMax = 240_000;

/** The whole of Meterbook with the simulated fleet, once for all tests of the pages. */
export async function setup({ provide }: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (chromiumHere() === undefined) {
    console.log(`left out: the pages, which need Chromium (to have it: ${howToHaveChromium})`);
    provide("pages", undefined);
    return undefined;
  }
  if (!isBuilt()) build();
  const meterbook = await startMeterbook({ METERBOOK_TIME_ZONE: "Europe/Kyiv", METERBOOK_GAP_LOOK_SECONDS: "2" }, [
    "--fleet",
  ]);
  const meters = shownMeters(Date.now());
  await publishAll(() => meterbook.mqttUrl, messagesOf(meters));
  await untilIssued(meterbook);
  await untilBalanced(meterbook);
  provide("pages", { address: meterbook.httpUrl, meters });
  return () => meterbook.dispose();
}

function build(): void {
  const script = fileURLToPath(new URL("../../../services/web/build.mjs", import.meta.url));
  const built = spawnSync(process.execPath, [script], { stdio: "inherit" });
  if (built.status !== 0) throw new Error("the pages could not be built");
}

/** The meters of the feeders report when the history is in, and what they say is summed. */
async function untilBalanced({ get }: Awaited<ReturnType<typeof startMeterbook>>): Promise<void> {
  const deadline = Date.now() + historyMsMax;
  const day = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
  const path = `/v1/groups/feeder:F-1/balance?from=${day(20)}&to=${day(3)}&resolution=P1D`;
  for (;;) {
    const { pending, total } = await get<{ pending: number; total: { known: number; steps: number } }>(path);
    if (pending === 0 && total.known === total.steps) return;
    if (Date.now() > deadline) throw new Error(`the feeder has no balance: ${JSON.stringify({ pending, total })}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** The fleet closes two months when its history is in. */
async function untilIssued({ get, settled }: Awaited<ReturnType<typeof startMeterbook>>): Promise<void> {
  const deadline = Date.now() + historyMsMax;
  for (;;) {
    const { items } = await get<{ items: { meters: number }[] }>("/v1/periods");
    if (items.slice(1, 3).every(({ meters }) => meters >= 100)) break;
    if (Date.now() > deadline) throw new Error(`the fleet's months were not issued: ${JSON.stringify(items)}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  await settled(historyMsMax);
  const isDoubted = async () =>
    (await get<{ items: unknown[] }>("/v1/findings?meterId=doubt-1&rule=V13")).items.length > 0;
  while (!(await isDoubted())) {
    if (Date.now() > deadline) throw new Error("nothing was found of the reading that is doubted");
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  // A hole is noticed beside all other work.
  const noticed = async () => (await get<{ items: { meterId: string }[] }>("/v1/gaps?limit=1000")).items;
  while (!(await noticed()).some(({ meterId }) => meterId === "holes-1")) {
    if (Date.now() > deadline) throw new Error("no gap was noticed");
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
