import { influxIsThere } from "../support/servers/influx-server.ts";
import { kafkaIsThere } from "../support/servers/kafka-server.ts";
import { embeddedStorm } from "./embedded-storm.ts";
import { serversStorm } from "./servers-storm.ts";
import { type StormTarget, stormRound } from "./storm-round.ts";

export const stormForms = ["embedded", "servers"] as const;
export type StormForm = (typeof stormForms)[number];

export interface StormOptions {
  readonly minutes: number;
  /** Of the first round; each further round has the next. */
  readonly seed: number;
  readonly forms: readonly StormForm[];
  readonly say: (line: string) => void;
}

export interface StormOutcome {
  readonly failed: boolean;
  /** What was tried, or the seed that failed and how to try it again. */
  readonly line: string;
}

/** What a round takes beside the time in which faults strike: the fleet's last reports, settling, checking. */
const roundSeconds = { min: 30, max: 150, afterwards: 30 };
const openers: Readonly<Record<StormForm, () => Promise<StormTarget>>> = {
  embedded: embeddedStorm,
  servers: serversStorm,
};

/** Round after round, each on something fresh, until the time is over. The forms take turns. */
export async function runStorm({ minutes, seed, forms, say }: StormOptions): Promise<StormOutcome> {
  const endMs = Date.now() + minutes * 60_000;
  const possible = forms.filter((form) => form === "embedded" || (kafkaIsThere() && influxIsThere()));
  for (const form of forms.filter((one) => !possible.includes(one)))
    say(`${form}: left out, because Kafka and InfluxDB are not here (npm run servers -- install)`);
  const total = { rounds: 0, messages: 0, readings: 0, strikes: new Map<string, number>() };
  while (possible.length > 0 && (total.rounds < possible.length || Date.now() < endMs)) {
    const form = possible[total.rounds % possible.length] as StormForm;
    const leftSeconds = (endMs - Date.now()) / 1000 / Math.max(1, possible.length - total.rounds);
    const seconds = Math.min(roundSeconds.max, Math.max(roundSeconds.min, leftSeconds - roundSeconds.afterwards));
    const roundSeed = seed + total.rounds;
    say(`round ${total.rounds + 1}: ${form}, seed ${roundSeed}, about ${Math.round(seconds)} s`);
    const failure = await blowOnce(form, { seed: roundSeed, seconds, say }, total);
    if (failure !== undefined) {
      const again = `npm run storm -- --on ${form} --seed ${roundSeed} --minutes 1`;
      return { failed: true, line: `${failure}\nstorm failed: ${form}, seed ${roundSeed}; again: ${again}` };
    }
  }
  return { failed: total.rounds === 0, line: closingLine(total, seed) };
}

async function blowOnce(
  form: StormForm,
  options: Parameters<typeof stormRound>[1],
  total: { rounds: number; messages: number; readings: number; strikes: Map<string, number> },
): Promise<string | undefined> {
  let target: StormTarget | undefined;
  try {
    target = await openers[form]();
    const { messages, readings, strikes } = await stormRound(target, options);
    total.rounds += 1;
    total.messages += messages;
    total.readings += readings;
    for (const [name, count] of strikes) total.strikes.set(name, (total.strikes.get(name) ?? 0) + count);
    return undefined;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  } finally {
    await target?.dispose();
  }
}

function closingLine(
  {
    rounds,
    messages,
    readings,
    strikes,
  }: { rounds: number; messages: number; readings: number; strikes: Map<string, number> },
  seed: number,
): string {
  const counts = [...strikes].map(([name, count]) => `${name} ${count}`).join(", ");
  return `storm passed: ${rounds} rounds from seed ${seed}, ${messages} messages with ${readings} readings; ${counts || "no fault"}`;
}
