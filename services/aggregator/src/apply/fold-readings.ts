import type { Channel, Reading, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { channelKey, readingAt } from "@meterbook/core/domain/reading/reading";
import { inEffect as ofTwo } from "@meterbook/core/domain/reading/reading-rank";

/** Readings of one meter as they come into effect one after the other: the same rule by which a batch is decided. */
export interface ReadingFold {
  readonly readings: number;
  add(channel: Channel, reading: Reading): void;
  /** Forgets the other channels. */
  keep(isWanted: (channel: Channel) => boolean): void;
  /** Takes what stands already: it stays, whatever was added. */
  stands(series: readonly ReadingSeries[]): void;
  /** Ascending. */
  series(): ReadingSeries[];
}

export function readingFold(): ReadingFold {
  const channels = new Map<string, { readonly channel: Channel; readonly inEffect: Map<number, Reading> }>();

  function of(channel: Channel): Map<number, Reading> {
    const key = channelKey(channel);
    let known = channels.get(key);
    if (known === undefined) {
      known = { channel, inEffect: new Map() };
      channels.set(key, known);
    }
    return known.inEffect;
  }

  return {
    get readings() {
      return [...channels.values()].reduce((sum, { inEffect }) => sum + inEffect.size, 0);
    },
    add(channel, reading) {
      const inEffect = of(channel);
      const before = inEffect.get(reading.at);
      inEffect.set(reading.at, before === undefined ? reading : ofTwo(before, reading));
    },
    keep(isWanted) {
      for (const [key, { channel }] of channels) if (!isWanted(channel)) channels.delete(key);
    },
    stands(series) {
      for (const one of series) {
        const inEffect = of(one.channel);
        one.at.forEach((at, index) => inEffect.set(at, readingAt(one, index)));
      }
    },
    series: () =>
      [...channels.values()].map(({ channel, inEffect }) => {
        const { register, kind, unit, stepSeconds } = channel;
        const readings = [...inEffect.values()].sort((a, b) => a.at - b.at);
        return {
          channel: { register, kind, unit, stepSeconds },
          at: readings.map(({ at }) => at),
          value: readings.map(({ value }) => value),
          code: readings.map(({ code }) => code),
        };
      }),
  };
}
