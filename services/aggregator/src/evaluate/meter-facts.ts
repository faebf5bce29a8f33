import { closingValue } from "@meterbook/core/domain/closing/closing-value";
import type { PeriodFacts, Span } from "@meterbook/core/domain/closing/period-facts";
import { intervalFacts, registerFacts } from "@meterbook/core/domain/closing/period-facts";
import type { Channel, Reading, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { channelKey, emptyColumns } from "@meterbook/core/domain/reading/reading";
import type { ChannelState } from "../remember/channel-state.ts";
import { firstOf, rememberedAround, rememberedIntervals } from "../remember/channel-state.ts";
import type { MeterState } from "../remember/meter-state.ts";
import { firstPeriodOfChannel } from "../remember/meter-state.ts";

/** What a meter's snapshot of a period is made of; `stored` is asked only where memory does not suffice. */
export async function factsOf(
  meter: MeterState,
  period: number,
  span: Span,
  stored: () => Promise<readonly ReadingSeries[]>,
): Promise<PeriodFacts[]> {
  const present = meter.channels.filter((state) => countsIn(meter, state, period));
  const remembered = meter.needsStore ? undefined : factsFromMemory(present, span);
  return remembered ?? factsFromStore(present.map(pastOf), span, await stored());
}

/** From its first reading on, and a register of an installed meter from the installation on: its opening is known. */
function countsIn(meter: MeterState, state: ChannelState, period: number): boolean {
  if (firstPeriodOfChannel(meter, state) <= period) return true;
  const installed = meter.record?.installed;
  return (
    state.channel.kind === "register" &&
    installed?.values[state.channel.register] !== undefined &&
    meter.calendar.periodOf(installed.at) <= period
  );
}

/** Facts without asking the store; undefined where memory does not tell the whole of any register. */
function factsFromMemory(channels: readonly ChannelState[], span: Span): PeriodFacts[] | undefined {
  const facts: PeriodFacts[] = [];
  for (const state of channels) {
    const { register, unit, kind } = state.channel;
    const siblings = channels.filter(({ channel }) => channel.register === register && channel.unit === unit);
    if (kind === "interval") {
      if (siblings.some(({ channel }) => channel.kind === "register")) continue;
      const totals = siblings.length > 1 ? undefined : rememberedIntervals(state, span);
      if (totals === undefined) return undefined;
      facts.push(totals);
      continue;
    }
    const around = rememberedAround(state, span);
    if (around === undefined) return undefined;
    const closing = closingValue(around, [], span.boundary);
    // Intervals would give a better value, and those of a whole month are not remembered one by one.
    if (closing.method !== "EXACT" && siblings.length > 1) return undefined;
    facts.push({ kind: "register", register, unit, closing, ranBackwards: false, first: firstOf(state) });
  }
  return facts;
}

export interface ChannelPast {
  readonly channel: Channel;
  readonly first: Reading;
}

function pastOf(state: ChannelState): ChannelPast {
  return { channel: state.channel, first: firstOf(state) };
}

export function factsFromStore(
  channels: readonly ChannelPast[],
  span: Span,
  stored: readonly ReadingSeries[],
): PeriodFacts[] {
  const byKey = new Map(stored.map((series) => [channelKey(series.channel), series]));
  const seriesOf = ({ channel }: ChannelPast): ReadingSeries =>
    byKey.get(channelKey(channel)) ?? { channel, ...emptyColumns() };
  const facts: PeriodFacts[] = [];
  const done = new Set<string>();
  for (const state of channels) {
    const { register, unit, kind } = state.channel;
    const siblings = channels.filter(({ channel }) => channel.register === register && channel.unit === unit);
    const intervals = siblings.filter(({ channel }) => channel.kind === "interval").map(seriesOf);
    if (kind === "register") facts.push(registerFacts(seriesOf(state), intervals, state.first, span));
    else if (siblings.length === intervals.length && !done.has(`${register}|${unit}`))
      facts.push(intervalFacts(intervals, span));
    done.add(`${register}|${unit}`);
  }
  return facts;
}
