import type { DatabaseSync } from "node:sqlite";
import type { Columns } from "@meterbook/core/domain/reading/reading";
import { messageOf } from "@meterbook/core/ports/adapter-error";
import { bytesOf } from "../readings-log/readings-log-database.ts";
import { blockPlace } from "../series/days/damaged-blocks.ts";
import { epoch, MalformedBlock, unpackBlock } from "../series/days/reading-block.ts";
import { daySeconds } from "../series/series-database.ts";
import type { WrongRow } from "./wrong-row.ts";

export type Found = Omit<WrongRow, "file">;
/** `row`: its key, then what stands in the columns that are read; `shard`: the file's. */
export type CheckRow = (key: number, row: readonly unknown[], shard: number) => Found | undefined;

/** A block holds readings of its meter's channels, within its day. */
export function blockCheck(
  database: DatabaseSync,
  meterNoOf: (id: number) => number,
  dayOf: (id: number) => number,
): CheckRow {
  const meters = database.prepare(
    "SELECT meter_id, CASE WHEN json_valid(channels) THEN json_array_length(channels) ELSE 1000000 END FROM meter WHERE no = ?",
  );
  meters.setReturnArrays(true);
  const columns = new Map<number, Columns>();
  return (id, [, body]) => {
    const [meterId, channels] = (meters.get(meterNoOf(id)) ?? []) as unknown as [string | undefined, number];
    const from = epoch + dayOf(id) * daySeconds;
    const block = bytesOf(body);
    const where = blockPlace(meterId ?? `number ${meterNoOf(id)}`, dayOf(id), block);
    if (meterId === undefined) return { code: "key_mismatch", where, detail: "there is no such meter", meterId: null };
    const found = attempt(where, () => {
      columns.clear();
      unpackBlock(block, id, columns);
      for (const [index, { at }] of columns) {
        if (index >= channels) return { code: "record_unreadable", detail: `the meter has no channel ${index}` };
        if (!at.every((instant) => instant >= from && instant < from + daySeconds)) {
          return { code: "key_mismatch", detail: "a reading is of another day" };
        }
      }
      return undefined;
    });
    return found === undefined ? undefined : { ...found, meterId };
  };
}

function attempt(where: string, work: () => Pick<Found, "code" | "detail"> | undefined): Found | undefined {
  try {
    const found = work();
    return found === undefined ? undefined : { ...found, where, meterId: null };
  } catch (error) {
    const code = error instanceof MalformedBlock ? "checksum_mismatch" : "record_unreadable";
    return { code, where, detail: messageOf(error), meterId: null };
  }
}
