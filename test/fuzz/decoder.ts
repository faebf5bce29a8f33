import type fc from "fast-check";

/** Something that reads bytes which others made: meters, callers, brokers, stores, files. */
export interface Decoder {
  readonly name: string;
  /** Sound bytes, from which others are made by changes. */
  readonly samples: readonly Buffer[];
  /** Bytes that are right by form, and whatever they are by content. */
  readonly generated?: fc.Arbitrary<Buffer>;
  /** Makes right what would otherwise be all that is looked at, such as a checksum. */
  readonly sealed?: (bytes: Buffer) => Buffer;
  readonly decode: (bytes: Buffer) => unknown;
  /** Uses what came out as its users do: it must be fit for that. */
  readonly check: (decoded: unknown) => unknown;
  /** Errors that it says it throws. */
  readonly throws: (error: Error) => boolean;
  /** Shapes that were slow somewhere, at about a size in bytes. */
  readonly heavy: Readonly<Record<string, (bytes: number) => Buffer>>;
  /** The largest input that can come; 256 KiB where absent. */
  readonly bytesMax?: number;
}

type Typed<Of> = Omit<Decoder, "decode" | "check"> & {
  readonly decode: (bytes: Buffer) => Of | Promise<Of>;
  readonly check?: (decoded: Of) => void | Promise<void>;
};

/** What `decode` answers is what `check` takes. */
export function decoder<Of>({ decode, check = () => undefined, ...rest }: Typed<Of>): Decoder {
  return { ...rest, decode, check: (decoded) => check(decoded as Of) };
}

export const never = () => false;

/** What must be true of what came out; an assertion of a library takes longer than what is looked at here. */
export function must(isTrue: boolean, what: string, ...facts: readonly unknown[]): void {
  if (!isTrue) throw new Error(`must be ${what}: ${JSON.stringify(facts)}`);
}

/** A text over and over, up to a size, between two others. */
export function filled(text: string, before = "", after = ""): (bytes: number) => Buffer {
  return (bytes) => {
    const left = Math.max(0, bytes - before.length - after.length);
    return Buffer.from(`${before}${text.repeat(Math.ceil(left / text.length)).slice(0, left)}${after}`);
  };
}

/** Parts one after the other, as many as fit whole. */
export function many(
  part: (index: number) => string | Uint8Array,
  before = "",
  after = "",
  between = "",
): (bytes: number) => Buffer {
  return (bytes) => {
    const parts: Buffer[] = [Buffer.from(before)];
    let size = before.length + after.length;
    for (let index = 0; ; index += 1) {
      const next = Buffer.from(part(index));
      size += next.length + between.length;
      if (size > bytes && index > 0) break;
      if (index > 0) parts.push(Buffer.from(between));
      parts.push(next);
    }
    return Buffer.concat([...parts, Buffer.from(after)]);
  };
}

/** A length-delimited field of protobuf. */
export function field(tag: number, body: Uint8Array | string): Buffer {
  const bytes = Buffer.from(body);
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from([tag, ...length]), bytes]);
}
