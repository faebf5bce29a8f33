import type { GroupPoint } from "@meterbook/core/domain/group/sum-curve";
import { putAmount, putBytes } from "../http/answers/cell-bytes.ts";
import { rowWriter } from "../http/answers/row-writer.ts";

/** A month of quarter hours fits. */
const usualBytes = 512 * 1024;
/** More than a point takes: its names, two instants and four amounts. */
const pointBytesMax = 256;

const instantBytes = "YYYY-MM-DDTHH:MM:SSZ".length;

const text = (piece: string): Uint8Array => Buffer.from(piece);
const from = text('{"from":"');
const to = text('","to":"');
const consumption = text('","consumption":');
const expected = text(',"expected":');
const present = text(',"present":');
const estimated = text(',"estimated":');
const unknown = text("null");
/** With the comma behind the point. */
const ending = text("},");

/**
 * A curve of sums as JSON, with `head` before its points. Built as bytes, as the curve of a meter is: of a month's
 * 2 976 steps most of an answer's time would go into objects and texts.
 */
export function groupCurveBytes(head: object, points: readonly GroupPoint[]): Buffer {
  const writer = rowWriter(usualBytes);
  writer.put(`${JSON.stringify(head).slice(0, -1)},"items":[`);
  let [ended, endedAt] = [Number.NaN, 0];
  for (const point of points) {
    const into = writer.room(pointBytesMax);
    let at = putBytes(into, writer.length, from);
    // An instant and an amount come with a comma, which is written over. Steps touch: the end of one begins the next.
    if (point.from !== ended) at = writer.putInstant(into, at, point.from) - 1;
    else for (let i = 0; i < instantBytes; i += 1) into[at++] = into[endedAt + i] as number;
    endedAt = putBytes(into, at, to);
    at = writer.putInstant(into, endedAt, point.to) - 1;
    ended = point.to;
    at = putBytes(into, at, consumption);
    at = point.consumption === null ? putBytes(into, at, unknown) : putAmount(into, at, point.consumption) - 1;
    at = putAmount(into, putBytes(into, at, expected), point.expected) - 1;
    at = putAmount(into, putBytes(into, at, present), point.present) - 1;
    at = putAmount(into, putBytes(into, at, estimated), point.estimated) - 1;
    writer.wrote(putBytes(into, at, ending));
  }
  if (points.length > 0) writer.cut(writer.length - 1);
  writer.put("]}");
  return writer.take();
}
