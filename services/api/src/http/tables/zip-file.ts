import { once } from "node:events";
import { crc32, createDeflateRaw, type DeflateRaw } from "node:zlib";

/**
 * A ZIP that is written in one pass: what an entry measures stands behind it (PKWARE's APPNOTE, 4.3.9). Entries and the
 * file stay below 4 GiB, so that every reader takes it.
 */
export interface ZipFile {
  begin(name: string): void;
  write(text: string): Promise<void>;
  endEntry(): Promise<void>;
  finish(): void;
  /** What has become ready since the last time. */
  take(): Uint8Array;
  /** Of the entry that is open, before packing. */
  readonly entryBytes: number;
}

const bytesMax = 2 ** 32 - 1;
/** Sizes stand behind the entry; names are UTF-8. */
const flags = 0x0808;
const [version, deflated] = [20, 8];
/** 1980-01-01: a download is the same whenever it is made. */
const dosDate = 0x0021;

interface Entry {
  readonly name: Buffer;
  readonly start: number;
  crc: number;
  size: number;
  packed: number;
}

export function zipFile(): ZipFile {
  const entries: Entry[] = [];
  let ready: Buffer[] = [];
  let length = 0;
  let open: { entry: Entry; deflate: DeflateRaw } | undefined;

  function put(bytes: Buffer): void {
    length += bytes.length;
    if (length > bytesMax) throw new Error("a ZIP of more than 4 GiB is not written");
    ready.push(bytes);
  }

  return {
    begin(name) {
      const entry = { name: Buffer.from(name), start: length, crc: 0, size: 0, packed: 0 };
      entries.push(entry);
      put(fields([4, 0x04034b50], [2, version], ...common(entry, false), [2, entry.name.length], [2, 0]));
      put(entry.name);
      const deflate = createDeflateRaw({ level: 1 });
      deflate.on("data", (bytes: Buffer) => {
        entry.packed += bytes.length;
        put(bytes);
      });
      open = { entry, deflate };
    },
    async write(text) {
      const { entry, deflate } = opened(open);
      const bytes = Buffer.from(text);
      entry.crc = crc32(bytes, entry.crc);
      entry.size += bytes.length;
      await new Promise<void>((resolve, reject) =>
        deflate.write(bytes, (error) => (error ? reject(error) : resolve())),
      );
    },
    async endEntry() {
      const { entry, deflate } = opened(open);
      const ended = once(deflate, "end");
      deflate.end();
      await ended;
      put(fields([4, 0x08074b50], [4, entry.crc], [4, entry.packed], [4, entry.size]));
      open = undefined;
    },
    finish() {
      const start = length;
      for (const entry of entries) {
        put(fields([4, 0x02014b50], [2, version], [2, version], ...common(entry, true), [2, entry.name.length]));
        put(fields([2, 0], [2, 0], [2, 0], [2, 0], [4, 0], [4, entry.start]));
        put(entry.name);
      }
      const count = entries.length;
      put(fields([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, length - start], [4, start], [2, 0]));
    },
    take() {
      const taken = ready.length === 1 ? (ready[0] as Buffer) : Buffer.concat(ready);
      ready = [];
      return taken;
    },
    get entryBytes() {
      return open?.entry.size ?? 0;
    },
  };
}

type Field = readonly [bytes: 2 | 4, value: number];

/** From the flags to the sizes: the local header does not know these yet. */
function common({ crc, packed, size }: Entry, isKnown: boolean): Field[] {
  const sizes = isKnown ? [crc, packed, size] : [0, 0, 0];
  return [[2, flags], [2, deflated], [2, 0], [2, dosDate], ...sizes.map((value): Field => [4, value])];
}

function fields(...all: readonly Field[]): Buffer {
  const bytes = Buffer.alloc(all.reduce((sum, [size]) => sum + size, 0));
  let at = 0;
  for (const [size, value] of all) at = bytes.writeUIntLE(value, at, size);
  return bytes;
}

function opened<Open>(open: Open | undefined): Open {
  if (open === undefined) throw new Error("no entry of the ZIP is open");
  return open;
}
