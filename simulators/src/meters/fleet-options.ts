import { z } from "zod";
import { localDays, monthNumber } from "./local-days.ts";

const number = (min: number, max: number) => {
  const rule = `must be a number from ${min} to ${max}`;
  return z.number(rule).min(min, rule).max(max, rule);
};
const whole = (min: number, max: number) => {
  const rule = `must be a whole number from ${min} to ${max}`;
  return z.int(rule).min(min, rule).max(max, rule);
};
const share = (text: string, fallback = 0) => number(0, 1).default(fallback).describe(`${text}, 0 to 1`);
const moment = z.string().refine(isMoment, "must be RFC 3339 with an offset, or YYYY-MM").optional();

/** Steps that divide the day's quarter hours, or are divided by them, so that every local midnight has a reading. */
const steps = [60, 180, 300, 900, 1800, 3600] as const;
const cadences = [900, 3600, 86_400] as const;

/**
 * What a fleet is and does. The descriptions are the text of `npm run simulate -- --help`; a name in the program is a
 * name on the command line with dashes (`reportEvery`, `--report-every`).
 */
export const fleetOptions = z.strictObject({
  url: z
    .url({ protocol: /^mqtts?$/, error: "must be mqtt://host:port or mqtts://host:port" })
    .default("mqtt://127.0.0.1:1883")
    .describe("the MQTT endpoint"),
  username: z.string("must be a text").optional().describe("MQTT user name"),
  password: z.string().optional().describe("MQTT password"),
  seed: whole(0, 2 ** 32 - 1)
    .default(1)
    .describe("decides everything that is drawn: the same seed sends the same bytes"),
  meters: whole(1, 100_000).default(100).describe("how many meters"),
  firstMeterId: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,55}\d{1,8}$|^\d{1,8}$/, "must be a meter id that ends in digits")
    .default("sim-000001")
    .describe("the first meter's id; its last digits are counted up"),
  from: moment.describe("where the history begins: RFC 3339 or YYYY-MM (local month start); instead of --months"),
  to: moment.describe("where it ends, that instant included: RFC 3339 or YYYY-MM; default: now"),
  months: whole(0, 120).default(2).describe("history of so many whole months and of this month so far"),
  live: z.boolean().default(false).describe("go on at real speed after the history, until stopped"),
  speed: number(0, 1_000_000)
    .default(0)
    .describe("pace of the history: 60 = an hour a minute; 0 = as fast as it is acknowledged"),
  zone: z
    .string()
    .refine(isZone, "must be an IANA time zone such as Europe/Kyiv")
    .default("Europe/Kyiv")
    .describe("IANA zone of the meters: their habits, tariffs and months"),
  step: oneOf(steps)
    .default(900)
    .describe(`seconds between readings: ${steps.join(", ")}`),
  reportEvery: oneOf(cadences)
    .default(3600)
    .describe(`seconds between a meter's reports: ${cadences.join(", ")}`),
  liveReportEvery: oneOf(cadences).optional().describe("the same once the history is sent; default: as --report-every"),
  resolution: whole(1, 1_000_000).default(1).describe("the registers' smallest step in Wh"),
  format: z
    .enum(["protobuf", "json", "profile"], "must be protobuf, json or profile")
    .default("profile")
    .describe("payload: single readings, JSON, or compact profiles"),
  connections: whole(1, 20_000).default(4).describe("MQTT connections; each meter keeps to one"),
  window: whole(1, 10_000).default(100).describe("messages in flight on a connection"),
  retrySeconds: whole(0, 86_400).default(60).describe("how long to try again where nothing answers"),
  businessShare: share("businesses among the meters", 0.1),
  solarShare: share("homes that export", 0.1),
  lost: share("reports that are never sent"),
  repeated: share("reports that are sent twice"),
  reordered: share("reports that come after the meter's next one"),
  lateHours: share("reports that come 1 to 12 hours late"),
  lateDays: share("reports that come 1 to 10 days late"),
  malformed: share("reports that are broken or claim another meter"),
  wrong: share("reports with a wrong value in them"),
  conflicting: share("reports that come again with another value"),
  estimated: share("reports with estimated readings"),
  skew: share("meters whose clock is wrong by 5 to 240 seconds"),
  answers: z
    .enum(["off", "whole", "partly", "late", "never"], "must be off, whole, partly, late or never")
    .default("off")
    .describe("whether meters listen for what they are asked, and how they answer"),
  answerLateSeconds: whole(0, 86_400).default(30).describe("how late an answer is with --answers late"),
  truth: z.string().optional().describe("file for the truth (NDJSON), which check.ts compares with what the API says"),
  progress: z.boolean().default(false).describe("show progress on standard error"),
});

/** What can happen to a report on its way; a report has at most one of each list. */
export const deliveryFaults = ["lost", "repeated", "reordered", "lateHours", "lateDays", "malformed"] as const;
export const valueFaults = ["wrong", "conflicting", "estimated"] as const;
export type DeliveryFault = (typeof deliveryFaults)[number];
export type ValueFault = (typeof valueFaults)[number];

export type FleetSettings = z.infer<typeof fleetOptions>;
export type FleetSettingsInput = z.input<typeof fleetOptions>;

/** The settings of a fleet, or every problem with them on a line of its own, named as on the command line. */
export function readFleetOptions(
  input: FleetSettingsInput,
): { settings: FleetSettings } | { problems: readonly string[] } {
  const read = fleetOptions.safeParse(input);
  const issues = read.success ? [] : read.error.issues;
  const problems = issues.map(({ path, message }) => `${flagOf(String(path[0] ?? ""))} ${message}`);
  problems.push(...contradictions(input));
  return read.success && problems.length === 0 ? { settings: read.data } : { problems };
}

function contradictions(input: FleetSettingsInput): string[] {
  const problems: string[] = [];
  const { step = 900, reportEvery = 3600, liveReportEvery = reportEvery, from, to, zone = "Europe/Kyiv" } = input;
  if (step > reportEvery) problems.push("--step must not be longer than --report-every");
  if (step > liveReportEvery) problems.push("--step must not be longer than --live-report-every");
  for (const names of [deliveryFaults, valueFaults]) {
    const sum = names.reduce((total, name) => total + (input[name] ?? 0), 0);
    if (sum > 1 + 1e-9) problems.push(`${names.map(flagOf).join(", ")} must not exceed 1 together`);
  }
  if (from !== undefined && to !== undefined && isMoment(from) && isMoment(to) && isZone(zone)) {
    if (momentOf(from, zone) >= momentOf(to, zone)) problems.push("--to must be after --from");
  }
  return problems;
}

/** `reportEvery` as `--report-every`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Seconds UTC of RFC 3339 (with an offset) or of a local month's start. */
export function momentOf(text: string, zone: string): number {
  const period = monthNumber(text);
  return period === undefined ? Math.floor(Date.parse(text) / 1000) : localDays(zone).monthStart(period);
}

function isMoment(text: string): boolean {
  if (monthNumber(text) !== undefined) return true;
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
}

function isZone(zone: string): boolean {
  try {
    localDays(zone);
    return true;
  } catch {
    return false;
  }
}

function oneOf<const Choice extends number>(choices: readonly Choice[]) {
  return z.custom<Choice>((value) => choices.includes(value as Choice), `must be one of ${choices.join(", ")}`);
}
