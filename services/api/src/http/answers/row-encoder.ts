import { rowWriter } from "./row-writer.ts";

/** Turns entries into the bytes of a stream, some at a time. */
export interface RowEncoder<Entry> {
  add(entry: Entry): void;
  /** Bytes that wait to be taken. */
  readonly length: number;
  take(): Buffer;
}

/** @param header comes before the first entry, and alone where there is none */
export function textEncoder<Entry>(textOf: (entry: Entry) => string, header = ""): RowEncoder<Entry> {
  const writer = rowWriter();
  writer.put(header);
  return {
    add: (entry) => writer.put(textOf(entry)),
    get length() {
      return writer.length;
    },
    take: () => writer.take(),
  };
}
