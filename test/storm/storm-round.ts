import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Fleet, startFleet } from "../../simulators/src/fleet/fleet.ts";
import { checkTruth } from "../support/fleets/check-truth.ts";
import type { ApiClient } from "../support/network/api-client.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { explains, type LostReadings } from "./lost-readings.ts";

/** What a storm blows at: Meterbook in one of its forms, with a fleet that goes on reporting. */
export interface StormTarget extends ApiClient {
  readonly mqttUrl: string;
  readonly httpUrl: string;
  /**
   * Each is drawn as often as its weight says. It resolves when Meterbook works again, and throws if a promise was
   * broken.
   */
  readonly faults: readonly StormFault[];
  /** What an operator does about all that was damaged; answers what is lost, all of it named by the API. */
  cure(): Promise<LostReadings>;
  /** Checks what is kept, once everything is settled; throws what is wrong. */
  verify(): Promise<void>;
  /** Options of the checker. */
  readonly checks: readonly string[];
  dispose(): Promise<void>;
}

export interface StormFault {
  readonly name: string;
  readonly weight: number;
  /** May answer what it was in particular. */
  strike(random: () => number): Promise<unknown>;
}

export interface StormRoundOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly say: (line: string) => void;
}

export interface StormRound {
  readonly messages: number;
  readonly readings: number;
  /** How often each fault struck. */
  readonly strikes: ReadonlyMap<string, number>;
}

/** Two month ends, one of them with the end of summer time before it. */
const history = { from: "2026-09-20T00:00:00+03:00", to: "2026-11-02T00:00:00+02:00", seconds: 43 * 86_400 + 3600 };
const meters = 40;
const pauseMs = { min: 1500, max: 6000 };

/**
 * One round: a fleet with faults of its own reports two months within about `seconds`, while faults strike one after
 * the other, drawn from the seed. Then all that was acknowledged must be there, once, and every month must be right.
 *
 * @throws an Error that says what was broken
 */
export async function stormRound(target: StormTarget, { seed, seconds, say }: StormRoundOptions): Promise<StormRound> {
  const random = seededRandom(seed);
  const directory = await mkdtemp(join(tmpdir(), "meterbook-storm-"));
  const truth = join(directory, "truth.ndjson");
  const fleet = startFleet({
    ...{ url: target.mqttUrl, seed, meters, from: history.from, to: history.to, truth, retrySeconds: 600 },
    speed: history.seconds / seconds,
    ...{ lost: 0.02, repeated: 0.03, reordered: 0.03, lateHours: 0.02, malformed: 0.01 },
    ...{ wrong: 0.01, conflicting: 0.02, estimated: 0.02 },
  });
  try {
    const strikes = await blow(target, fleet, random, say);
    const { acknowledged, messages, readings } = await fleet.done;
    if (acknowledged !== messages) throw new Error(`${messages - acknowledged} messages were never acknowledged`);
    await target.settled(240_000);
    await expectTruth(target, truth);
    await target.verify();
    return { messages, readings, strikes };
  } finally {
    await fleet.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function blow(
  { faults }: StormTarget,
  fleet: Fleet,
  random: () => number,
  say: (line: string) => void,
): Promise<Map<string, number>> {
  const strikes = new Map<string, number>();
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  const over = fleet.done.then(end, end);
  while (!isOver) {
    const wait = Promise.withResolvers<void>();
    const timer = setTimeout(wait.resolve, pauseMs.min + random() * (pauseMs.max - pauseMs.min));
    await Promise.race([wait.promise, over]);
    clearTimeout(timer);
    if (isOver) break;
    const fault = drawn(faults, random);
    const acknowledged = String(fleet.now().acknowledged).padStart(6);
    say(`  ${acknowledged} acknowledged: ${fault.name}`);
    const which = await fault.strike(random);
    if (typeof which === "string") say(`         it was: ${which}`);
    strikes.set(fault.name, (strikes.get(fault.name) ?? 0) + 1);
  }
  return strikes;
}

function drawn(faults: readonly StormFault[], random: () => number): StormFault {
  let left = random() * faults.reduce((sum, { weight }) => sum + weight, 0);
  for (const fault of faults) {
    left -= fault.weight;
    if (left < 0) return fault;
  }
  return faults.at(-1) as StormFault;
}

/** What is lost is missing in the sums, too: those are not among them. */
const differences = /^(stored|phantom|value|snapshot|boundary|opening|consumption|method|quality|conflict): /;

/** What differs is allowed only where the API itself names the damage. */
async function expectTruth(target: StormTarget, truth: string): Promise<void> {
  const lost = await target.cure();
  await target.settled(240_000);
  const { code, output } = await checkTruth(truth, target.httpUrl, [...target.checks, "--differences", "1000"]);
  if (code === 0) return;
  if (lost.size === 0 || code !== 1) throw new Error(`what the API says differs from the truth\n${output}`);
  const unexplained = output
    .split("\n")
    .filter((line) => differences.test(line) && !explains(lost, line))
    // What is not shown is explained by nothing.
    .concat(/\n… and \d+ more/.exec(output)?.[0] ?? []);
  if (unexplained.length > 0)
    throw new Error(`differences that no damage explains\n${unexplained.join("\n")}\n${output}`);
}
