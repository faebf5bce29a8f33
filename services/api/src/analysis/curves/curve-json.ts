import type { Resolution } from "@meterbook/core/domain/curve/curve-steps";
import type { SnapshotQuality } from "@meterbook/core/domain/snapshot/snapshot";
import { snapshotQualities } from "@meterbook/core/domain/snapshot/snapshot";
import { putAmount, putBytes } from "../../http/answers/cell-bytes.ts";
import type { RowWriter } from "../../http/answers/row-writer.ts";
import { rowWriter } from "../../http/answers/row-writer.ts";
import { ApiProblem } from "../../http/problems/problem.ts";
import { kindOf } from "./curve-pages.ts";
import { pointText } from "./curve-rows.ts";
import type { CurveSource } from "./curve-source.ts";
import type { MonthPoint } from "./month-pages.ts";

export const pointsMax = 100_000;

/** A month of quarter hours fits. */
const usualBytes = 512 * 1024;
/** More than a point takes that has no more than the four members that all have. */
const pointBytesMax = 160;

const text = (piece: string): Uint8Array => Buffer.from(piece);
const [beforeFrom, beforeTo, beforeAmount] = ['{"from":"', '","to":"', '","consumption":'].map(text) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const unknown = text("null");
/** With the comma behind the point. */
const endings = new Map<SnapshotQuality, Uint8Array>(
  snapshotQualities.map((quality) => [quality, text(`,"quality":"${quality}"},`)]),
);

/**
 * Built as bytes: a month of quarter hours is 2 976 points, and most of the time of an answer would go into objects and
 * texts.
 */
export async function curveBytes(
  source: CurveSource,
  resolution: Resolution,
  pages: AsyncIterable<readonly MonthPoint[]>,
): Promise<Buffer> {
  const { register: of, unit } = source.channels[0];
  const { zone } = source.calendar;
  const head = { meterId: source.meterId, register: of, unit, kind: kindOf(source), resolution, zone };
  const writer = rowWriter(usualBytes);
  writer.put(`${JSON.stringify(head).slice(0, -1)},"items":[`);
  let points = 0;
  for await (const page of pages) {
    for (const point of page) writePoint(writer, point);
    points += page.length;
    if (points <= pointsMax) continue;
    const detail = `from, to: more than ${pointsMax} points; ask for less, or as application/x-ndjson or text/csv`;
    throw new ApiProblem("range_too_long", detail);
  }
  if (points > 0) writer.cut(writer.length - 1);
  writer.put("]}");
  return writer.take();
}

/** And a comma. Where a point says more than most do it is made as a text. */
function writePoint(writer: RowWriter, point: MonthPoint): void {
  const { consumption, quality, present, snapshot } = point;
  const ending = endings.get(quality);
  if (present !== undefined || snapshot !== undefined || ending === undefined)
    return writer.put(`${pointText(point)},`);
  const into = writer.room(pointBytesMax);
  // An instant and an amount come with a comma, which is written over.
  let at = writer.putInstant(into, putBytes(into, writer.length, beforeFrom), point.from) - 1;
  at = writer.putInstant(into, putBytes(into, at, beforeTo), point.to) - 1;
  at = putBytes(into, at, beforeAmount);
  at = consumption === null ? putBytes(into, at, unknown) : putAmount(into, at, consumption) - 1;
  writer.wrote(putBytes(into, at, ending));
}
