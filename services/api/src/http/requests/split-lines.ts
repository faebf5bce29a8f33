import { isUtf8 } from "node:buffer";

/** A line of a body; `text` is undefined where it was let go, for the reason in `fault`. */
export type Line = {
  /** From 1. */
  readonly number: number;
} & ({ readonly text: string } | { readonly text: undefined; readonly fault: string });

const tooLong = "is longer than a line may be";
/** As spreadsheets save it: read as UTF-8, every letter beyond ASCII would be kept as one and the same sign. */
const notUtf8 = "is not UTF-8: save the file as UTF-8 (in a spreadsheet: CSV UTF-8)";

export interface LineBounds {
  readonly lineBytesMax: number;
  readonly bytesMax: number;
}

const [lineFeed, carriageReturn] = [0x0a, 0x0d];

/**
 * The lines of a stream of bytes, holding one line at a time. A byte order mark and carriage returns are removed. Empty
 * lines are only counted.
 *
 * @param tooMany called when the stream is longer than `bytesMax`; throws
 */
export async function* splitLines(
  source: AsyncIterable<Buffer>,
  bounds: LineBounds,
  tooMany: () => never,
): AsyncGenerator<Line> {
  let kept: Buffer[] = [];
  let keptBytes = 0;
  let bytes = 0;
  let number = 0;

  function keep(piece: Buffer): void {
    keptBytes += piece.length;
    if (keptBytes <= bounds.lineBytesMax) kept.push(piece);
    else kept = [];
  }

  function take(): Line {
    number += 1;
    const bytes = keptBytes > bounds.lineBytesMax ? undefined : Buffer.concat(kept);
    kept = [];
    keptBytes = 0;
    if (bytes === undefined) return { number, text: undefined, fault: tooLong };
    const text = bytes.toString();
    // What is no UTF-8 is read as this sign. It may also have been sent.
    if (text.includes("\uFFFD") && !isUtf8(bytes)) return { number, text: undefined, fault: notUtf8 };
    const whole = text.replace(/\r$/, "");
    return { number, text: number === 1 ? whole.replace(/^\uFEFF/, "") : whole };
  }

  for await (const chunk of source) {
    bytes += chunk.length;
    if (bytes > bounds.bytesMax) tooMany();
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      const length = end - start;
      // Counted and not handed on: a kilobyte may hold a thousand of them.
      if (keptBytes === 0 && (length === 0 || (length === 1 && chunk[start] === carriageReturn))) number += 1;
      else {
        keep(chunk.subarray(start, end));
        yield take();
      }
      start = end + 1;
    }
    if (start < chunk.length) keep(chunk.subarray(start));
  }
  if (keptBytes > 0) yield take();
}
