// Goal: nobody can hurt another. Whatever a hostile client does, alone or with all others at once, honest meters'
// PUBACKs come within 250 ms (p99), none of their readings is lost, health is answered, and memory stays bounded (H03,
// H09, H10, H11, H12, H13, H14, H21).
// Method: the embedded form as a process; the attackers in another one, held to half a core. Other work on the machine
// can spoil a measurement, so one that is too slow is repeated, at most twice; all figures are printed.
import { expect, test } from "vitest";
import { type AttackReport, startAttacker } from "../support/hostile/attacker-process.ts";
import { type HonestMeters, startHonestMeters } from "../support/hostile/honest-meters.ts";
import type { AttackName } from "../support/hostile/hostile-attacks.ts";
import { attacks } from "../support/hostile/hostile-attacks.ts";
import { type MeterbookProcess, startMeterbook } from "../support/processes/meterbook-process.ts";
import { residentBytesOf } from "../support/processes/process-usage.ts";

const pubackMsMax = 250;
const unansweredMs = 10_000;
const healthMsMax = 5_000;
/** Most of it is a million and a half of invented meters, which are remembered: 3.0 GB were seen. */
const residentBytesMax = 3.25 * 1024 ** 3;
const attemptsMax = 3;
const secondsAlone = 4;
const secondsTogether = 8;
const names = Object.keys(attacks) as AttackName[];

interface Measured {
  readonly name: string;
  readonly p50: number;
  readonly p99: number;
  readonly reports: number;
  readonly residentBytes: number;
  readonly attack: AttackReport | undefined;
}

test("honest meters are served under each attack and under all at once", { timeout: 180_000 }, async () => {
  const meterbook = await startMeterbook({ METERBOOK_SETTLE_SECONDS: "0" });
  try {
    const honest = startHonestMeters({
      port: Number(new URL(meterbook.mqttUrl).port),
      ...{ meters: 50, everyMs: 500, brokenOneIn: 20 },
    });
    const watch = watchProcess(meterbook);
    await measured(meterbook, honest, [], 1);
    const figures = await measuredAll(meterbook, honest);
    await honest.finish();
    const seen = watch.stop();
    console.log(table(figures, seen));
    await expectAllStored(meterbook, honest);
    expect(slowOnes(figures)).toEqual([]);
    for (const { name, attack } of figures) if (attack !== undefined) expect(attack.sent, name).toBeGreaterThan(0);
    expect(honest.reconnects).toBe(0);
    expect(seen.healthMs.filter((ms) => ms > healthMsMax)).toEqual([]);
    expect(seen.residentBytes).toBeLessThan(residentBytesMax);
  } finally {
    await meterbook.dispose();
  }
});

async function measuredAll(meterbook: MeterbookProcess, honest: HonestMeters): Promise<Measured[]> {
  const figures: Measured[] = [];
  for (const [attack, seconds] of [
    [[], secondsAlone],
    ...names.map((name) => [[name], secondsAlone] as const),
    [names, secondsTogether],
  ] as const) {
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const one = await measured(meterbook, honest, attack, seconds);
      figures.push(one);
      if (one.p99 < pubackMsMax) break;
    }
  }
  return figures;
}

/** Those of which no attempt was fast enough. */
function slowOnes(figures: readonly Measured[]): string[] {
  const best = new Map<string, number>();
  for (const { name, p99 } of figures) best.set(name, Math.min(p99, best.get(name) ?? Number.POSITIVE_INFINITY));
  return [...best].filter(([, p99]) => p99 >= pubackMsMax).map(([name, p99]) => `${name}: p99 ${p99.toFixed(0)} ms`);
}

async function measured(
  meterbook: MeterbookProcess,
  honest: HonestMeters,
  attack: readonly AttackName[],
  seconds: number,
): Promise<Measured> {
  const attacker = attack.length === 0 ? undefined : await startAttacker(attack, meterbook);
  honest.latenciesMs();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const sorted = honest.latenciesMs().sort((a, b) => a - b);
  const report = await attacker?.stop();
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] as number;
  const name = attack.length === 0 ? "nobody" : attack.length === 1 ? (attack[0] as string) : "all together";
  return {
    name,
    p50: at(0.5),
    p99: at(0.99),
    reports: sorted.length,
    residentBytes: residentBytesOf(meterbook.pid),
    attack: report,
  };
}

interface Seen {
  readonly healthMs: readonly number[];
  readonly residentBytes: number;
}

/** Asks for health and looks at memory, four times a second. A question without an answer counts as ten seconds. */
function watchProcess(meterbook: MeterbookProcess): { stop(): Seen } {
  const healthMs: number[] = [];
  let residentBytes = 0;
  async function look(): Promise<void> {
    residentBytes = Math.max(residentBytes, residentBytesOf(meterbook.pid));
    const beganMs = performance.now();
    healthMs.push((await answered(beganMs)) ? performance.now() - beganMs : unansweredMs);
  }
  /** A connection that was closed meanwhile is opened anew, as each client does; the time counts. */
  async function answered(beganMs: number): Promise<boolean> {
    while (performance.now() - beganMs < unansweredMs) {
      const signal = AbortSignal.timeout(unansweredMs);
      const answer = await meterbook.request("/healthz", { signal }).catch(() => undefined);
      if (answer !== undefined) return answer.status === 200;
    }
    return false;
  }
  const timer = setInterval(() => void look(), 250);
  return {
    stop() {
      clearInterval(timer);
      return { healthMs, residentBytes };
    },
  };
}

function table(figures: readonly Measured[], { healthMs, residentBytes }: Seen): string {
  const rows = figures.map(({ name, p50, p99, reports, residentBytes: bytesThen, attack }) => {
    const of = `${name.padEnd(13)} PUBACK p50 ${p50.toFixed(0).padStart(5)} ms, p99 ${p99.toFixed(0).padStart(5)} ms of ${reports}, RSS ${(bytesThen / 1e6).toFixed(0)} MB`;
    if (attack === undefined) return of;
    const { sent, bytes, connections, coreShare } = attack;
    return `${of}; sent ${sent}, ${(bytes / 1e6).toFixed(1)} MB, ${connections} connections, ${coreShare.toFixed(2)} of a core`;
  });
  const worst = Math.max(...healthMs).toFixed(0);
  return [
    ...rows,
    `/healthz ${worst} ms at worst of ${healthMs.length}; RSS ${(residentBytes / 1e6).toFixed(0)} MB`,
  ].join("\n");
}

async function expectAllStored(meterbook: MeterbookProcess, honest: HonestMeters): Promise<void> {
  const began = Date.now();
  for (const [meterId, instants] of honest.acknowledged) {
    await expect
      .poll(() => storedInstants(meterbook, meterId), { timeout: 60_000, interval: 500 })
      .toEqual(instants.map((at) => new Date(at * 1000).toISOString().replace(".000Z", "Z")));
  }
  console.log(`all is stored after ${((Date.now() - began) / 1000).toFixed(1)} s`);
}

async function storedInstants(meterbook: MeterbookProcess, meterId: string): Promise<string[]> {
  const headers = { accept: "application/x-ndjson" };
  const answer = await meterbook.request(`/v1/meters/${meterId}/readings`, { headers });
  const lines = (await answer.text()).split("\n").filter((line) => line !== "");
  return answer.ok ? lines.map((line) => (JSON.parse(line) as { at: string }).at) : [];
}
