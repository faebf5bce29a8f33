import type { FleetSettingsInput } from "../meters/fleet-options.ts";
import { readFleetOptions } from "../meters/fleet-options.ts";
import { monthName } from "../meters/local-days.ts";
import { meterIdOf } from "../meters/meter-profile.ts";
import type { MeterTotals } from "../meters/register-totals.ts";
import type { PublishLane } from "../publishing/publish-lane.ts";
import type { EncodeReport, Payload } from "../reports/encode-report.ts";
import type { Delivery } from "../reports/report-plan.ts";
import { due, planDeliveries } from "../reports/report-plan.ts";
import { readingsOf, registersAtStartOf } from "../reports/report-readings.ts";
import { requestAnswerer } from "./answer-requests.ts";
import type { FleetSummary, RunningFleet } from "./running-fleet.ts";
import { makeFleet, summaryOf } from "./running-fleet.ts";
import type { TruthFile } from "./truth-file.ts";
import { createTruthFile } from "./truth-file.ts";

/** `log` gets what a person should know: a lost connection, the history's end. */
export interface FleetOptions extends FleetSettingsInput {
  readonly nowMs?: () => number;
  readonly log?: (text: string) => void;
  /**
   * Seconds UTC up to which an earlier run was acknowledged, by number of the meter: this one sends what comes after.
   */
  readonly sentTo?: readonly number[];
  /** Told of each acknowledged report: the number of its meter and its last instant. */
  readonly acknowledged?: (meter: number, until: number) => void;
}

export interface Fleet {
  /** Resolves when the history is acknowledged. */
  readonly history: Promise<FleetSummary>;
  /** Resolves at the end: of the history, or when stopped. Both reject when the endpoint does not answer. */
  readonly done: Promise<FleetSummary>;
  /** How far it is. */
  now(): FleetSummary;
  /** Ends it: waits a few seconds for acknowledgements on the way and finishes the truth file. */
  stop(): Promise<void>;
}

const graceMs = 5000;

/**
 * Starts a fleet of simulated meters.
 * @throws RangeError with every problem, where the options are wrong
 */
export function startFleet(options: FleetOptions = {}): Fleet {
  const { nowMs = Date.now, log = () => undefined, sentTo = [], acknowledged = () => undefined, ...input } = options;
  const read = readFleetOptions(input);
  if ("problems" in read) throw new RangeError(read.problems.join("\n"));
  const fleet = makeFleet(read.settings, { nowMs, log, sentTo, acknowledged });
  if (read.settings.answers !== "off") fleet.heard = answererOf(fleet);
  const history = Promise.withResolvers<FleetSummary>();
  const done = run(fleet, history.resolve);
  done.then(history.resolve, history.reject);
  // Whoever asks gets the failure; who does not must not be ended by it.
  for (const promise of [history.promise, done]) promise.catch(() => undefined);
  return {
    history: history.promise,
    done,
    now: () => summaryOf(fleet),
    async stop() {
      fleet.stopping.abort();
      for (const lane of fleet.lanes) void lane.close(graceMs);
      await done.catch(() => undefined);
    },
  };
}

async function run(fleet: RunningFleet, historySent: (summary: FleetSummary) => void): Promise<FleetSummary> {
  const { settings, range, stopping } = fleet;
  fleet.truth = await openTruth(fleet);
  try {
    const history = { ...range, reportEvery: settings.reportEvery, sentTo: fleet.sentTo };
    const sequence = await sendAll(fleet, planDeliveries(settings, fleet.calendar, history, fleet.held, fleet.faults));
    if (!settings.live) await sendAll(fleet, due(fleet.held, Number.POSITIVE_INFINITY));
    await Promise.all(fleet.lanes.map((lane) => lane.idle()));
    writeBoundaries(fleet, range.to);
    historySent(summaryOf(fleet));
    if (settings.live && !stopping.signal.aborted) await goOn(fleet, sequence ?? 1);
  } finally {
    await Promise.all(fleet.lanes.map((lane) => lane.close(graceMs)));
    await fleet.truth?.close({ ...summaryOf(fleet), complete: !stopping.signal.aborted });
  }
  return summaryOf(fleet);
}

async function goOn(fleet: RunningFleet, firstSequence: number): Promise<void> {
  const { settings, calendar, range } = fleet;
  fleet.log("history sent; going on live");
  const reportEvery = settings.liveReportEvery ?? settings.reportEvery;
  const live = { from: range.to + 1, to: Number.POSITIVE_INFINITY, reportEvery, firstSequence };
  await sendAll(fleet, planDeliveries(settings, calendar, live, fleet.held, fleet.faults));
}

async function openTruth({ settings, range, meters }: RunningFleet): Promise<TruthFile | undefined> {
  if (settings.truth === undefined) return undefined;
  const { password: _, ...options } = settings;
  const truth = await createTruthFile(settings.truth, { zone: settings.zone, ...range, options });
  for (const { profile } of meters) truth.meter(profile.meterId, profile.kind, profile.skewSeconds);
  return truth;
}

/** Sends deliveries as the pace and the lanes allow; answers what the plan answers, undefined when stopped. */
async function sendAll<Answer>(fleet: RunningFleet, plan: Generator<Delivery, Answer>): Promise<Answer | undefined> {
  for (;;) {
    const next = plan.next();
    if (next.done === true) return next.value;
    const delivery = next.value;
    // Awaited only where there is something to wait for: a history is millions of deliveries.
    const wait = ready(fleet, delivery);
    if (wait !== undefined) await wait;
    if (fleet.stopping.signal.aborted) return undefined;
    writeBoundaries(fleet, delivery.report.until);
    push(fleet, delivery);
  }
}

/** Until it is time, the lane has room and the truth file is not behind; or until the fleet is stopped. */
function ready(fleet: RunningFleet, delivery: Delivery): Promise<void> | undefined {
  // Once stopped, no wait takes time any more: without this the promises below would follow each other for ever.
  if (fleet.stopping.signal.aborted) return undefined;
  const lane = laneOf(fleet, delivery);
  const early = fleet.pace.until(delivery.sendAt);
  if (early !== undefined) return early.then(() => ready(fleet, delivery));
  const full = lane.room() ?? fleet.truth?.drained();
  return full?.then(() => undefined);
}

function laneOf({ lanes }: RunningFleet, { report }: Delivery): PublishLane {
  return lanes[report.meter % lanes.length] as PublishLane;
}

function answererOf(fleet: RunningFleet): (payload: Buffer) => void {
  const { settings, calendar, range, counts, stopping } = fleet;
  const numbers = new Map(fleet.meters.map(({ profile }, number) => [profile.meterId, number]));
  return requestAnswerer({
    ...{ settings, calendar, signal: stopping.signal },
    numberOf: (meterId) => numbers.get(meterId),
    has: () => ({ after: range.from - 1, until: counts.simulatedTo }),
    async send(delivery) {
      await laneOf(fleet, delivery).room();
      push(fleet, delivery, "an answer");
    },
  });
}

function push(fleet: RunningFleet, delivery: Delivery, as: "a report" | "an answer" = "a report"): void {
  const { settings, counts, truth } = fleet;
  const meter = fleet.meters[delivery.report.meter] as MeterTotals;
  const { meterId } = meter.profile;
  const series = readingsOf(delivery, meter, settings);
  const { sequence, value } = delivery.report;
  const refused = delivery.fault === "malformed";
  const payload = refused ? malformed(fleet, delivery, series) : fleet.encode(meterId, sequence, series);
  let number = 0;
  laneOf(fleet, delivery).push({
    ...payload,
    sent() {
      number = ++counts.messages;
      if (!refused) counts.readings += series.reduce((sum, { at }) => sum + at.length, 0);
      const { as, fault } = delivery;
      truth?.message({ message: number, meter: meterId, sequence, as, fault, value, series: refused ? [] : series });
    },
    resent() {
      counts.resent += 1;
      truth?.resent(number);
    },
    acknowledged() {
      counts.acknowledged += 1;
      // What is answered is older than what was sent before.
      if (as === "a report") fleet.acknowledged(delivery.report.meter, delivery.report.until);
      truth?.acknowledged(number);
    },
  });
  counts.simulatedTo = Math.max(counts.simulatedTo, delivery.sendAt);
}

/** A report that must be refused whole: cut off in the middle, or in the name of another meter. */
function malformed(fleet: RunningFleet, { report }: Delivery, series: Parameters<EncodeReport>[2]): Payload {
  const meterId = meterIdOf(fleet.settings.firstMeterId, report.meter);
  if (report.sequence % 2 === 0) {
    const another = meterIdOf(fleet.settings.firstMeterId, report.meter + 1);
    return fleet.encode(meterId, report.sequence, series, another);
  }
  const { topic, bytes } = fleet.encode(meterId, report.sequence, series);
  return { topic, bytes: bytes.subarray(0, bytes.length - 2) };
}

/** The registers of every meter at each month's end up to `until`. */
function writeBoundaries(fleet: RunningFleet, until: number): void {
  const { truth, calendar, settings } = fleet;
  for (;;) {
    const at = calendar.monthStart(fleet.boundary + 1);
    if (truth === undefined || at > until || at < fleet.range.from) return;
    const day = calendar.dayAt(at);
    for (const meter of fleet.meters) {
      truth.boundary(
        meter.profile.meterId,
        monthName(fleet.boundary),
        at,
        registersAtStartOf(day, meter, settings.resolution),
      );
    }
    fleet.boundary += 1;
  }
}
