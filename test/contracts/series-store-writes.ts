import type { Channel } from "@meterbook/core/domain/reading/reading";
import type {
  Conflict,
  MeterWrite,
  Progress,
  SeriesChanges,
  SeriesStore,
  StoredChannel,
  StoredMeter,
} from "@meterbook/core/ports/series-store";

/** What the suites of the series store write: small batches, of whose meters the store says what it knows. */

export const base = Date.parse("2026-10-31T00:00:00Z") / 1000;
export const active: Channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 };

const noChanges: SeriesChanges = { met: [], newer: [], late: [], conflicts: [] };

/** Applies these changes and no others, with progress that is otherwise as it was. */
export async function applyTo(
  store: SeriesStore,
  changes: Partial<SeriesChanges>,
  progress: Partial<Progress>,
): Promise<void> {
  await store.apply({ ...noChanges, ...changes }, { ...store.progress, ...progress });
}

async function knownMeters(store: SeriesStore): Promise<StoredMeter[]> {
  const meters: StoredMeter[] = [];
  for await (const page of store.meters()) meters.push(...page);
  return meters;
}

export async function metersOf(store: SeriesStore): Promise<string[]> {
  return (await knownMeters(store)).map(({ meterId }) => meterId);
}

export async function channelsOf(store: SeriesStore, meterId: string): Promise<readonly StoredChannel[]> {
  return (await knownMeters(store)).find((meter) => meter.meterId === meterId)?.channels ?? [];
}

/** The meter with the channels that the store is to be told of: behind those that it knows. */
export async function metAs(
  store: SeriesStore,
  meterId: string,
  channels: readonly Omit<StoredChannel, "index">[],
): Promise<StoredMeter> {
  const known = (await knownMeters(store)).find((meter) => meter.meterId === meterId);
  const next = known?.channels.length ?? 0;
  const own = channels.map((channel, index) => ({ ...channel, index: next + index }));
  return { no: known?.no ?? store.meterNoNext, meterId, channels: own };
}

export function conflictAt(seconds: number, position: number, index: number): Conflict {
  const at = base + seconds;
  const [kept, refused] = [
    { at, value: seconds, code: 0 },
    { at, value: 1, code: 2 },
  ];
  return { meterId: "m1", channel: active, at, kept, refused, receivedAtMs: 5, position, index };
}

/** Seconds from `base`; the value of each reading is its second, so that a mix-up shows. */
export function writeOf(
  meterNo: number,
  series: [channelIndex: number, seconds: number[]][],
  position: number,
  code = 0,
): MeterWrite {
  return {
    meterNo,
    position,
    series: series.map(([channelIndex, seconds]) => ({
      channelIndex,
      at: seconds.map((second) => base + second),
      value: seconds.map(Math.abs),
      code: seconds.map(() => code),
    })),
  };
}

/** One frame of a meter, with the channels that are new, and with progress that follows it. */
export async function write(
  store: SeriesStore,
  meterId: string,
  newChannels: readonly Channel[],
  series: [number, number[]][],
  as: "newer" | "late" = "newer",
  code = 0,
  progress?: Progress,
): Promise<void> {
  const { position, newestAt } = store.progress;
  const seconds = series.flatMap(([, some]) => some);
  const first = series[0]?.[1][0] ?? 0;
  const firstOf = (channel: Channel) => ({ ...channel, first: { at: base + first, value: Math.abs(first), code } });
  const met = await metAs(store, meterId, newChannels.map(firstOf));
  const changes = { met: newChannels.length > 0 ? [met] : [], [as]: [writeOf(met.no, series, position, code)] };
  const after = { position: position + 1, newestAt: Math.max(newestAt, base + Math.max(...seconds)) };
  await applyTo(store, changes, progress ?? after);
}
