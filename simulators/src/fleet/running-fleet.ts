import type { FleetSettings } from "../meters/fleet-options.ts";
import { momentOf } from "../meters/fleet-options.ts";
import type { LocalDays } from "../meters/local-days.ts";
import { localDays } from "../meters/local-days.ts";
import { meterIdOf, meterProfile } from "../meters/meter-profile.ts";
import type { MeterTotals } from "../meters/register-totals.ts";
import { meterTotals } from "../meters/register-totals.ts";
import { turnsToConnect } from "../publishing/mqtt-connection.ts";
import type { Pace } from "../publishing/pace.ts";
import { openPace } from "../publishing/pace.ts";
import type { PublishLane } from "../publishing/publish-lane.ts";
import { openLane } from "../publishing/publish-lane.ts";
import type { EncodeReport } from "../reports/encode-report.ts";
import { reportEncoder } from "../reports/encode-report.ts";
import type { FaultCounts, HeldDeliveries } from "../reports/report-plan.ts";
import { heldDeliveries, noFaults } from "../reports/report-plan.ts";
import type { TruthFile } from "./truth-file.ts";

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

/** What a fleet works with and how far it is. */
export interface RunningFleet {
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
  readonly sentTo: readonly number[];
  readonly acknowledged: (meter: number, until: number) => void;
  readonly counts: { messages: number; readings: number; acknowledged: number; resent: number; simulatedTo: number };
  readonly faults: FaultCounts;
  /** Told what meters are asked. */
  heard: (payload: Buffer) => void;
  truth: TruthFile | undefined;
  /** The month whose end is written to the truth next. */
  boundary: number;
}

/** What a fleet gets from the program that runs it. */
export interface FleetSurroundings extends Pick<RunningFleet, "log" | "sentTo" | "acknowledged"> {
  readonly nowMs: () => number;
}

/** @throws RangeError where the history would be empty */
export function makeFleet(settings: FleetSettings, { nowMs, log, ...resumed }: FleetSurroundings): RunningFleet {
  const calendar = localDays(settings.zone);
  const stopping = new AbortController();
  const range = rangeOf(settings, calendar, nowMs());
  const firstDay = calendar.dayAt(range.from);
  const fleet: RunningFleet = {
    settings,
    calendar,
    range,
    meters: Array.from({ length: settings.meters }, (_, number) =>
      meterTotals(meterProfile(number, settings), calendar),
    ),
    lanes: openLanes(settings, log, (payload) => fleet.heard(payload)),
    encode: reportEncoder(settings.format),
    held: heldDeliveries(),
    pace: openPace({ ...range, live: settings.live, speed: settings.speed, nowMs, signal: stopping.signal }),
    stopping,
    log,
    ...resumed,
    counts: { messages: 0, readings: 0, acknowledged: 0, resent: 0, simulatedTo: range.from },
    faults: noFaults(),
    heard: () => undefined,
    truth: undefined,
    boundary: firstDay.start === range.from && firstDay.dayOfMonth === 1 ? firstDay.period - 1 : firstDay.period,
  };
  return fleet;
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

const connectsAtOnceMax = 100;

/** What the meters of a lane are asked; each meter keeps to one. */
function requestTopics({ meters, firstMeterId, connections }: FleetSettings, lane: number): string[] {
  const lanes = Math.min(connections, meters);
  const own = Array.from({ length: Math.ceil((meters - lane) / lanes) }, (_, n) => lane + n * lanes);
  return own.map((meter) => `meters/${meterIdOf(firstMeterId, meter)}/requests`);
}

function openLanes(
  settings: FleetSettings,
  log: (text: string) => void,
  heard: (payload: Buffer) => void,
): PublishLane[] {
  const turnToConnect = turnsToConnect(connectsAtOnceMax);
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
      listening: settings.answers === "off" ? undefined : { topics: requestTopics(settings, number), heard },
      windowMax: settings.window,
      retryMsMax: settings.retrySeconds * 1000,
      turnToConnect,
      interrupted,
    }),
  );
}

export function summaryOf({ counts, faults, lanes }: RunningFleet): FleetSummary {
  const reconnects = lanes.reduce((sum, lane) => sum + lane.reconnects, 0);
  return { ...counts, reconnects, faults: { ...faults } };
}
