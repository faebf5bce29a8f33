import { z } from "zod";
import type { CheckResult } from "./checker/check-fleet.ts";
import { checkFleet } from "./checker/check-fleet.ts";
import { meterbookApi } from "./checker/meterbook-api.ts";
import type { Truth } from "./checker/read-truth.ts";
import { readTruth } from "./checker/read-truth.ts";
import { helpText, readCommandLine } from "./command-line.ts";
import { flagOf } from "./meters/fleet-options.ts";

/**
 * `npm run check-fleet -- --truth file`: exit 0 when all is right, 1 when something differs, 2 when it cannot be told.
 */
const usage = `npm run check-fleet -- --truth <file> [options]

Compares what Meterbook says over its API with the truth that a simulated fleet has written.`;

const checkOptions = z.strictObject({
  truth: z
    .string("is missing: the file that npm run simulate -- --truth has written")
    .describe("the truth (NDJSON); required"),
  api: z
    .url({ protocol: /^https?$/, error: "must be http://host:port" })
    .default("http://127.0.0.1:8080")
    .describe("Meterbook's API"),
  key: z.string().optional().describe("API key with the scopes billing, analyst and operator"),
  deadlineSeconds: z.number().min(0).max(86_400).default(120).describe("how long to wait until everything is settled"),
  shared: z
    .boolean()
    .default(false)
    .describe("others send to the same server: leave its counts and its other meters alone"),
  redelivered: z
    .boolean()
    .default(false)
    .describe("a broker stands between, and may deliver a message more than once: more may have arrived than was sent"),
  differences: z.int().min(0).max(1000).default(20).describe("how many differences to show in full"),
});

function optionsOrExit(): z.infer<typeof checkOptions> {
  const { values, help, problems } = readCommandLine(checkOptions, process.argv.slice(2));
  if (help) {
    console.log(helpText(checkOptions, usage));
    process.exit(0);
  }
  const read = checkOptions.safeParse(values);
  const wrong = read.success
    ? []
    : read.error.issues.map(({ path, message }) => `${flagOf(String(path[0] ?? ""))} ${message}`);
  if (read.success && problems.length === 0) return read.data;
  console.error([...problems, ...wrong].join("\n"));
  return process.exit(2);
}

function show(truth: Truth, { status, findings, score }: CheckResult, differencesMax: number): void {
  const faults = [...truth.faults].map(([name, count]) => `${name} ${count}`).join(", ");
  console.log(
    `sent ${truth.readingsOf.size} messages of ${truth.meters.size} meters, acknowledged ${truth.acknowledged.size}, sent again ${truth.resent.size}`,
  );
  if (!truth.ended)
    console.log("the truth file has no end: the fleet was killed, and what it sent last may be missing");
  if (faults !== "") console.log(`faults: ${faults}`);
  console.log(`server: ${JSON.stringify(status)}\n\n${findings.table()}\n\n${score.table()}`);
  for (const { check, where, what } of findings.some(differencesMax)) console.log(`\n${check}: ${where}\n  ${what}`);
  if (findings.total > differencesMax) console.log(`\n… and ${findings.total - differencesMax} more`);
}

const options = optionsOrExit();
try {
  const truth = await readTruth(options.truth);
  const settings = {
    deadlineMs: options.deadlineSeconds * 1000,
    shared: options.shared,
    redelivered: options.redelivered,
    nowMs: Date.now,
  };
  const result = await checkFleet(truth, meterbookApi(options.api, options.key), settings);
  show(truth, result, options.differences);
  process.exitCode = result.findings.total === 0 ? 0 : 1;
} catch (error) {
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : "";
  console.error(`the check could not be made: ${error instanceof Error ? error.message : String(error)}${cause}`);
  process.exitCode = 2;
}
