import { optionsOrExit, wrongOptions } from "@meterbook/runtime/process/command-options";
import { walk } from "./walk.ts";

const usage = `npm run walk -- [options]

Walks aggregators and APIs through kills, stand-stills, take-overs, calls that fail before or after they are carried
out and answers in any order, all in memory and in virtual time. What is issued must be what one aggregator makes of
the same log, record by record, all of it sealed, and billing must have had each revision once.
Ends with exit code 0 and a line of what was tried, or with 1 and the seed that failed.

  --minutes <n>   how long, from 0.1 on (1)
  --seed <n>      of the first walk; drawn where absent
  --steps <n>     of each walk (400)
  --walks <n>     no more than so many`;

function options(): { minutes: number; seed: number; steps: number; walksMax: number } {
  const { values } = optionsOrExit({
    usage,
    options: {
      minutes: { type: "string", default: "1" },
      seed: { type: "string" },
      steps: { type: "string", default: "400" },
      walks: { type: "string", default: "1000000000" },
    },
  });
  const minutes = Number(values.minutes);
  if (!(minutes >= 0.1 && minutes <= 100_000)) wrongOptions("--minutes must be a number from 0.1 to 100000", usage);
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0 || seed >= 2 ** 32)
    wrongOptions("--seed must be a whole number below 2^32", usage);
  const steps = Number(values.steps);
  if (!Number.isSafeInteger(steps) || steps < 1 || steps > 100_000)
    wrongOptions("--steps must be a whole number from 1 to 100000", usage);
  const walksMax = Number(values.walks);
  if (!Number.isSafeInteger(walksMax) || walksMax < 1) wrongOptions("--walks must be a whole number from 1 on", usage);
  return { minutes, seed, steps, walksMax };
}

const { minutes, seed: first, steps, walksMax } = options();
// The walk holds the clock of its work, not this one.
const startedMs = Date.now();
const tried = { walks: 0, kills: 0, takeOvers: 0, failures: 0, revisions: 0, closes: 0 };
console.log(`walking for ${minutes} minutes from seed ${first} on`);
for (let seed = first; Date.now() - startedMs < minutes * 60_000 && seed < first + walksMax; seed += 1) {
  try {
    const report = await walk({ seed, steps });
    tried.walks += 1;
    for (const name of ["kills", "takeOvers", "failures", "revisions", "closes"] as const) tried[name] += report[name];
  } catch (error) {
    console.log(error instanceof Error ? error.message : String(error));
    console.log(`failed: npm run walk -- --seed ${seed} --steps ${steps}`);
    process.exit(1);
  }
}
const { walks, kills, takeOvers, failures, revisions, closes } = tried;
const what = `${kills} kills, ${takeOvers} take-overs and ${failures} failed calls`;
console.log(`passed: ${walks} walks of ${steps} steps with ${what}; ${revisions} revisions, each as the log says`);
console.log(`${closes} closes that an API said were done had issued all that they should`);
process.exit(0);
