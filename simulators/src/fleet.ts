import type { EncodeReport, Payload } from "./encode-report.ts";
import { reportEncoder } from "./encode-report.ts";
import type { FleetSettings, FleetSettingsInput } from "./fleet-options.ts";
import { momentOf, readFleetOptions } from "./fleet-options.ts";
import type { LocalDays } from "./local-days.ts";
import { localDays, monthName } from "./local-days.ts";
import { meterIdOf, meterProfile } from "./meter-profile.ts";
import type { Pace } from "./pace.ts";
import { openPace } from "./pace.ts";
import type { PublishLane } from "./publish-lane.ts";
import { connectGate, openLane } from "./publish-lane.ts";
import type { MeterTotals } from "./register-totals.ts";
import { meterTotals } from "./register-totals.ts";
import type { Delivery, FaultCounts, HeldDeliveries } from "./report-plan.ts";
import { due, heldDeliveries, noFaults, planDeliveries } from "./report-plan.ts";
import { readingsOf, registersAtStartOf } from "./report-readings.ts";
import type { TruthFile } from "./truth-file.ts";
import { createTruthFile } from "./truth-file.ts";

/** `log` gets what a person should know: a lost connection, the history's end. */
export interface FleetOptions extends FleetSettingsInput {
  readonly nowMs?: () => number;
  readonly log?: (text: string) => void;
}

/** Counts of messages, unless they say otherwise. */
export interface FleetSummary {
  readonly messages: number;
  readonly readings: number;
  readonly acknowledged: number;
  /** Times that a message left again after its connection had ended. */
  readonly resent: number;
  readonly reconnects: number;
  readonly faults: Readonly<FaultCounts>;
  /** The simulated clock, seconds UTC. */
  readonly simulatedTo: number;
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
const connectsAtOnceMax = 100;

/**
 * Starts a fleet of simulated meters.
 * @throws RangeError with every problem, where the options are wrong
 */
export function startFleet({ nowMs = Date.now, log = () => undefined, ...input }: FleetOptions = {}): Fleet {
  const read = readFleetOptions(input);
  if ("problems" in read) throw new RangeError(read.problems.join("\n"));
  const fleet = makeFleet(read.settings, nowMs, log);
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

interface RunningFleet {
  readonly settings: FleetSettings;
  readonly calendar: LocalDays;
  readonly range: { readonly from: number; readonly to: number };
  readonly meters: readonly MeterTotals[];
  readonly lanes: readonly PublishLane[];
  readonly encode: EncodeReport;
  readonly held: HeldDeliveries;
  readonly pace: Pace;
  readonly stopping: AbortController;
  readonly log: (text: string) => void;
  readonly counts: { messages: number; readings: number; acknowledged: number; resent: number; simulatedTo: number };
  readonly faults: FaultCounts;
  truth: TruthFile | undefined;
  /** The month whose end is written to the truth next. */
  boundary: number;
}

function makeFleet(settings: FleetSettings, nowMs: () => number, log: (text: string) => void): RunningFleet {
  const calendar = localDays(settings.zone);
  const stopping = new AbortController();
  const range = rangeOf(settings, calendar, nowMs());
  const firstDay = calendar.dayAt(range.from);
  return {
    settings,
    calendar,
    range,
    meters: Array.from({ length: settings.meters }, (_, number) =>
      meterTotals(meterProfile(number, settings), calendar),
    ),
    lanes: openLanes(settings, log),
    encode: reportEncoder(settings.format),
    held: heldDeliveries(),
    pace: openPace({ ...range, live: settings.live, speed: settings.speed, nowMs, signal: stopping.signal }),
    stopping,
    log,
    counts: { messages: 0, readings: 0, acknowledged: 0, resent: 0, simulatedTo: range.from },
    faults: noFaults(),
    truth: undefined,
    boundary: firstDay.start === range.from && firstDay.dayOfMonth === 1 ? firstDay.period - 1 : firstDay.period,
  };
}

/** The history: whole steps, because a meter's readings lie on them. */
function rangeOf(settings: FleetSettings, calendar: LocalDays, nowMs: number): { from: number; to: number } {
  const { zone, step } = settings;
  const floored = (at: number) => {
    const { start } = calendar.dayAt(at);
    return start + Math.floor((at - start) / step) * step;
  };
  const to = floored(settings.to === undefined ? Math.floor(nowMs / 1000) : momentOf(settings.to, zone));
  const first =
    settings.from === undefined
      ? calendar.monthStart(calendar.dayAt(to).period - settings.months)
      : momentOf(settings.from, zone);
  const from = floored(first);
  if (from > to) throw new RangeError("--from must not be after --to or now");
  return { from, to };
}

function openLanes(settings: FleetSettings, log: (text: string) => void): PublishLane[] {
  const turnToConnect = connectGate(connectsAtOnceMax);
  const run = Math.floor(performance.timeOrigin).toString(36);
  let silentUntilMs = 0;
  const interrupted = (reason: string, attempts: number) => {
    // A broken server breaks every connection: once is news.
    if (attempts > 1 || performance.now() < silentUntilMs) return;
    silentUntilMs = performance.now() + 1000;
    log(`no connection to ${settings.url}: ${reason}; trying again for up to ${settings.retrySeconds} s`);
  };
  return Array.from({ length: Math.min(settings.connections, settings.meters) }, (_, number) =>
    openLane({
      url: settings.url,
      clientId: `fleet-${run}-${process.pid}-${settings.seed}-${number}`,
      username: settings.username,
      password: settings.password,
      windowMax: settings.window,
      retryMsMax: settings.retrySeconds * 1000,
      turnToConnect,
      interrupted,
    }),
  );
}

async function run(fleet: RunningFleet, historySent: (summary: FleetSummary) => void): Promise<FleetSummary> {
  const { settings, range, stopping } = fleet;
  fleet.truth = await openTruth(fleet);
  try {
    const history = { ...range, reportEvery: settings.reportEvery };
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

function openTruth({ settings, range }: RunningFleet): Promise<TruthFile> | undefined {
  if (settings.truth === undefined) return undefined;
  const { password: _, ...options } = settings;
  return createTruthFile(settings.truth, { zone: settings.zone, ...range, options });
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
  const lane = laneOf(fleet, delivery);
  const early = fleet.pace.until(delivery.sendAt);
  if (early !== undefined) return early.then(() => ready(fleet, delivery));
  const full = lane.room() ?? fleet.truth?.drained();
  return full?.then(() => undefined);
}

function laneOf({ lanes }: RunningFleet, { report }: Delivery): PublishLane {
  return lanes[report.meter % lanes.length] as PublishLane;
}

function push(fleet: RunningFleet, delivery: Delivery): void {
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

function summaryOf({ counts, faults, lanes }: RunningFleet): FleetSummary {
  const reconnects = lanes.reduce((sum, lane) => sum + lane.reconnects, 0);
  return { ...counts, reconnects, faults: { ...faults } };
}
