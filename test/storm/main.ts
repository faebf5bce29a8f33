import { optionsOrExit, wrongOptions } from "@meterbook/runtime/process/command-options";
import { runStorm, type StormForm, stormForms } from "./run-storm.ts";

const usage = `npm run storm -- [options]

Kills, stops, lost and damaged files, restored stores and hostile clients on real processes, under a fleet of meters whose
truth is known. Ends with exit code 0 and a line of what was tried, or with 1 and the seed that failed.

  --minutes <n>   how long, from 0.5 on (6)
  --seed <n>      of the first round; drawn where absent
  --on <form>     ${stormForms.join(", ")} (all that can run here)`;

function options(): { minutes: number; seed: number; forms: readonly StormForm[] } {
  const { values } = optionsOrExit({
    usage,
    options: { minutes: { type: "string", default: "6" }, seed: { type: "string" }, on: { type: "string" } },
  });
  const minutes = Number(values.minutes);
  if (!(minutes >= 0.5 && minutes <= 100_000)) wrongOptions("--minutes must be a number from 0.5 to 100000", usage);
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0 || seed >= 2 ** 32)
    wrongOptions("--seed must be a whole number below 2^32", usage);
  if (values.on !== undefined && !stormForms.includes(values.on as StormForm))
    wrongOptions(`--on must be one of ${stormForms.join(", ")}`, usage);
  return { minutes, seed, forms: values.on === undefined ? stormForms : [values.on as StormForm] };
}

const { minutes, seed, forms } = options();
const outcome = await runStorm({ minutes, seed, forms, say: console.log });
console.log(outcome.line);
process.exit(outcome.failed ? 1 : 0);
