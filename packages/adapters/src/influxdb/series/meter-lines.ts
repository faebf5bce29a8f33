import { beginsEarlier } from "@meterbook/core/domain/reading/first-reading";
import type { Reading } from "@meterbook/core/domain/reading/reading";
import { readingAt } from "@meterbook/core/domain/reading/reading";
import type { ChannelWrite, MeterWrite } from "@meterbook/core/ports/series-store";
import { channelLine } from "../points/channel-rows.ts";
import { codedFields } from "../points/line-protocol.ts";
import type { LineQueue } from "../writing/line-queue.ts";
import { announced, type RememberedMeter, type RememberedMeters } from "./remembered-meters.ts";

/**
 * Turns accepted readings into points none of which is ever written with other content, whoever writes it
 * (docs/decisions/0006-state-on-kafka-and-influxdb.md).
 *
 * `reading` has one point per meter and instant, made of one report's readings, and only where it is newer than every
 * line of the meter. All else stands in `late`, each value for itself.
 */
export function meterLines(
  remembered: RememberedMeters,
  queue: LineQueue,
  { partition, position }: { partition: number; position: number },
) {
  function announce(meter: RememberedMeter, channelIndex: number, { at, value, code }: Reading, offset: number): void {
    const field = meter.fields[channelIndex] as string;
    const row = { field, index: channelIndex, at, value, code, offset };
    queue.add(meter.server, channelLine(meter.tags, partition, row));
    announced(meter, channelIndex);
  }

  /** Rows of channels that are new, with the frame that brings their first reading. */
  function announceFresh(meter: RememberedMeter, series: readonly ChannelWrite[], offset: number): void {
    for (const { channelIndex } of series) {
      if (meter.fresh.includes(channelIndex)) announce(meter, channelIndex, firstOf(meter, channelIndex), offset);
    }
  }

  function addLate(meter: RememberedMeter, channelIndex: number, { at, value, code }: Reading, offset: number): void {
    const fields = codedFields(meter.fields[channelIndex] as string, code, value, offset);
    queue.add(meter.server, `late,${meter.tags}${fields} ${at}\n`);
  }

  /** The readings of several instants, one after the other. */
  function putMany(meter: RememberedMeter, { series, position: offset }: MeterWrite): void {
    const next = series.map(() => 0);
    for (;;) {
      let at = Number.POSITIVE_INFINITY;
      series.forEach((one, i) => {
        at = Math.min(at, one.at[next[i] as number] ?? at);
      });
      if (at === Number.POSITIVE_INFINITY) return;
      const isLine = at > meter.newestLine;
      let fields = "";
      series.forEach((one, i) => {
        const index = next[i] as number;
        if (one.at[index] !== at) return;
        next[i] = index + 1;
        const reading = readingAt(one, index);
        if (isLine) fields += lineFields(meter.fields[one.channelIndex] as string, reading.value, reading.code);
        else addLate(meter, one.channelIndex, reading, offset);
      });
      if (isLine) addLine(meter, fields, offset, at);
    }
  }

  function addLine(meter: RememberedMeter, fields: string, offset: number, at: number): void {
    meter.newestLine = at;
    queue.add(meter.server, `reading,${meter.tags}${fields}p=${offset}i ${at}\n`);
  }

  return {
    newer(write: MeterWrite): void {
      const { meterNo, position: offset, series } = write;
      const meter = remembered.at(meterNo);
      if (meter.fresh.length > 0) announceFresh(meter, series, offset);
      const at = series[0]?.at[0] ?? 0;
      if (at <= meter.newestLine || !isOneInstant(series, at)) {
        putMany(meter, write);
        return;
      }
      let fields = "";
      for (const { channelIndex, value, code } of series) {
        fields += lineFields(meter.fields[channelIndex] as string, value[0] as number, code[0] as number);
      }
      addLine(meter, fields, offset, at);
    },
    /** Late readings and those that take the place of others. */
    late({ meterNo, position: offset, series }: MeterWrite): void {
      const meter = remembered.at(meterNo);
      for (const one of series) {
        for (let i = 0; i < one.at.length; i += 1) {
          const reading = readingAt(one, i);
          addLate(meter, one.channelIndex, reading, offset);
          const first = firstOf(meter, one.channelIndex);
          if (reading.at !== first.at && !beginsEarlier(reading, first)) continue;
          announce(meter, one.channelIndex, reading, offset);
          remembered.firstBecomes(meter, one.channelIndex, reading);
        }
      }
    },
    /** Channels that were met and of which no reading came: they exist from here on. */
    announceRest(): void {
      for (const meter of remembered.changed()) {
        for (const index of meter.fresh) announce(meter, index, firstOf(meter, index), position);
      }
    },
  };
}

/** How many readings a line of these holds; 0 where it only tells of a channel. */
export function readingsInLine(line: string): number {
  if (line.startsWith("late,")) return 1;
  if (!line.startsWith("reading,")) return 0;
  // A line ends in the offset of its frame; a code other than 0 stands beside its value.
  const fields = line.slice(line.indexOf(" ") + 1, line.lastIndexOf(" ")).split(",");
  return fields.filter((field) => !/_q=\d+i$/.test(field)).length - 1;
}

function firstOf(meter: RememberedMeter, channelIndex: number): Reading {
  const channel = meter.stored.channels[channelIndex];
  if (channel === undefined) throw new Error(`${meter.stored.meterId} has no channel ${channelIndex}`);
  return channel.first;
}

function isOneInstant(series: readonly ChannelWrite[], at: number): boolean {
  for (const one of series) if (one.at.length !== 1 || one.at[0] !== at) return false;
  return true;
}

function lineFields(name: string, value: number, code: number): string {
  return code === 0 ? `${name}=${value}i,` : `${name}=${value}i,${name}_q=${code}i,`;
}
