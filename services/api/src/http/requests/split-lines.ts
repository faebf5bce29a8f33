/** A line of a body; `text` is undefined where it was longer than the bound and was let go. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string | undefined;
}

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
    const text = keptBytes > bounds.lineBytesMax ? undefined : Buffer.concat(kept).toString();
    kept = [];
    keptBytes = 0;
    return { number, text: number === 1 ? text?.replace(/^\uFEFF/, "").replace(/\r$/, "") : text?.replace(/\r$/, "") };
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
