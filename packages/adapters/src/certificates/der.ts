/** An element of DER: its content is `bytes[from..to)`, and `start` is where its tag stands. */
export interface Der {
  readonly tag: number;
  readonly start: number;
  readonly from: number;
  readonly to: number;
}

/**
 * The element that begins at `start` and ends by `end`.
 *
 * @throws RangeError where there is none.
 */
export function derAt(bytes: Uint8Array, start: number, end: number): Der {
  const tag = byteAt(bytes, start, end);
  const first = byteAt(bytes, start + 1, end);
  let length = first;
  let from = start + 2;
  if (first >= 0x80) {
    const digits = first & 0x7f;
    if (digits === 0 || digits > 4) throw new RangeError("DER: a length that is none");
    length = 0;
    for (let i = 0; i < digits; i += 1) length = length * 256 + byteAt(bytes, from + i, end);
    from += digits;
  }
  if (from + length > end) throw new RangeError("DER: it ends within an element");
  return { tag, start, from, to: from + length };
}

/** The elements within one, in order. */
export function* derWithin(bytes: Uint8Array, { from, to }: Der): Generator<Der> {
  for (let at = from; at < to; ) {
    const element = derAt(bytes, at, to);
    yield element;
    at = element.to;
  }
}

/** Milliseconds since 1970 of a UTCTime or a GeneralizedTime; undefined where the element is neither. */
export function derTimeMs(bytes: Uint8Array, { tag, from, to }: Der): number | undefined {
  if ((tag !== 0x17 && tag !== 0x18) || to - from > 20) return undefined;
  const text = Buffer.from(bytes.subarray(from, to)).toString("latin1");
  const parts = /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (parts === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number);
  // Two digits stand for 1950 to 2049 (RFC 5280).
  const whole = tag === 0x18 ? year : year < 50 ? 2000 + year : 1900 + year;
  return Date.UTC(whole, month - 1, day, hour, minute, second);
}

function byteAt(bytes: Uint8Array, at: number, end: number): number {
  const byte = at < end ? bytes[at] : undefined;
  if (byte === undefined) throw new RangeError("DER: it ends within an element");
  return byte;
}
