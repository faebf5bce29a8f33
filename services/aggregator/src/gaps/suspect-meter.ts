import type { ChannelState } from "../remember/channel-state.ts";
import { firstOf, newestAtOf } from "../remember/channel-state.ts";
import { monthTotals } from "../remember/interval-months.ts";
import type { MeterState } from "../remember/meter-state.ts";

/**
 * What memory says of readings that may be missing: empty where all seems to be there, another text whenever something
 * else seems to be missing. Undefined where memory does not know. It is a hint where to look: what is missing, the
 * store tells.
 */
export function suspicionOf(meter: MeterState, dueAt: number, silentSeconds: number): string | undefined {
  if (meter.needsStore || meter.recordDamaged) return undefined;
  const { calendar, channels } = meter;
  const period = calendar.periodOf(dueAt);
  let text = isSilent(meter, dueAt, silentSeconds) ? "silent" : "";
  for (const state of channels) {
    if (state.channel.kind !== "interval") continue;
    for (const month of [period - 1, period]) {
      const missing = missingIntervals(meter, state, calendar.startOf(month), calendar.boundaryOf(month));
      if (missing > 0) text += ` ${state.channel.index}/${month}:${missing}`;
    }
  }
  // Known later than the gap, an outage tells why it is there.
  const outages = meter.record?.outages;
  if (text !== "" && outages !== undefined) text += ` outages ${JSON.stringify(outages)}`;
  const { missed } = meter.numbers;
  return missed === undefined ? text : `${text} reports ${missed.next}/${missed.missing}`;
}

function missingIntervals(meter: MeterState, state: ChannelState, start: number, boundary: number): number {
  const { stepSeconds } = state.channel;
  const from = Math.max(start, meter.record?.installed?.at ?? firstOf(state).at - stepSeconds);
  const to = Math.min(boundary, newestAtOf(state), meter.record?.removed?.at ?? boundary);
  return Math.floor((to - from) / stepSeconds) - (monthTotals(state, start)?.present ?? 0);
}

/** Also of a meter that is installed and has never reported. */
function isSilent(meter: MeterState, dueAt: number, silentSeconds: number): boolean {
  const since = meter.channels.length === 0 ? meter.record?.installed?.at : newestOf(meter);
  return since !== undefined && dueAt - since >= silentSeconds;
}

/** The instant of its newest reading, -1 where it has none. */
export function newestOf({ channels }: MeterState): number {
  return channels.reduce((newest, state) => Math.max(newest, newestAtOf(state)), -1);
}

/**
 * Whether there is a register that has no load profile, or little is remembered: what is missing only the store can
 * tell.
 */
export function isReadInTurn({ channels, needsStore }: MeterState): boolean {
  if (needsStore) return true;
  return channels.some(
    ({ channel }) =>
      channel.kind === "register" &&
      !channels.some(({ channel: of }) => of.kind === "interval" && of.register === channel.register),
  );
}
