import type { Reading, ReadingCode } from "@meterbook/core/domain/reading/reading";
import { channelKey } from "@meterbook/core/domain/reading/reading";
import type { SeriesReader, StoredChannel } from "@meterbook/core/ports/series-store";
import type { KnownMeter } from "../api-context.ts";
import { ApiProblem } from "../http/problems/problem.ts";

export interface StoredReading extends Reading {
  readonly channel: StoredChannel;
}

/** Instant and channel of the last reading that was given. */
export type ReadingPlace = [at: number, channelIndex: number];

/**
 * The channels of one register.
 * @throws ApiProblem `register_unknown` with those that there are
 */
export function channelsOf({ meterId, stored }: KnownMeter, register: string): readonly StoredChannel[] {
  const all = stored?.channels ?? [];
  const found = all.filter((channel) => channel.register === register);
  if (found.length > 0) return found;
  const known = [...new Set(all.map((channel) => channel.register))].sort().join(", ");
  throw new ApiProblem(
    "register_unknown",
    `meter ${meterId} never reported ${register}; it reports ${known || "nothing yet"}`,
  );
}

export interface ReadingRange {
  readonly meterId: string;
  readonly channels: readonly StoredChannel[];
  /** `from <= at < to`, seconds UTC. */
  readonly from: number;
  readonly to: number;
}

const daySeconds = 86_400;
const windowSecondsMin = 3600;
const windowSecondsMax = 64 * daySeconds;
/** A window holds about so many readings: enough for the cost of a read, few enough to leave others their turn. */
const windowReadings = 4000;

/** Readings by instant, then channel, a window of time at a time; the window follows how densely the meter reports. */
export async function* readingPages(
  series: SeriesReader,
  range: ReadingRange,
  after?: ReadingPlace,
): AsyncGenerator<readonly StoredReading[]> {
  if (range.channels.length === 0) return;
  const first = Math.min(...range.channels.map((channel) => channel.first.at));
  const end = Math.min(range.to, (await series.totals()).newestAt + 1);
  let windowSeconds = daySeconds;
  for (let start = Math.max(range.from, first, after?.[0] ?? 0); start < end; ) {
    const stop = Math.min(start + windowSeconds, end);
    const found = await readWindow(series, range, start, stop);
    const page = after === undefined ? found : found.filter(isAfter(after));
    if (page.length > 0) yield page;
    start = stop;
    const factor = found.length > windowReadings ? 0.5 : found.length < windowReadings / 2 ? 2 : 1;
    windowSeconds = Math.min(Math.max(Math.round(windowSeconds * factor), windowSecondsMin), windowSecondsMax);
  }
}

async function readWindow(
  series: SeriesReader,
  range: ReadingRange,
  start: number,
  stop: number,
): Promise<StoredReading[]> {
  const channels = range.channels.map(({ index }) => index);
  const byKey = new Map(range.channels.map((channel) => [channelKey(channel), channel]));
  const found = await series.read(range.meterId, { from: start, to: stop - 1, channels });
  const readings = found.flatMap(({ channel: of, at, value, code }) => {
    const channel = byKey.get(channelKey(of));
    if (channel === undefined) return [];
    return at.map((instant, i) => ({ channel, at: instant, value: value[i] as number, code: code[i] as ReadingCode }));
  });
  return readings.sort((a, b) => a.at - b.at || a.channel.index - b.channel.index);
}

function isAfter([at, channelIndex]: ReadingPlace): (reading: StoredReading) => boolean {
  return (reading) => reading.at > at || (reading.at === at && reading.channel.index > channelIndex);
}
