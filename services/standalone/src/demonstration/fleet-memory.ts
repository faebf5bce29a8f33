import { readFile, rename, writeFile } from "node:fs/promises";
import { z } from "zod";

/** What a simulated fleet must know of the runs before it, in a file. */
export interface FleetMemory {
  /** The month in which it began: YYYY-MM. */
  readonly from: string;
  /** By number of the meter: seconds UTC up to which its readings were acknowledged when the file was read, 0: none. */
  readonly sentTo: readonly number[];
  acknowledged(meter: number, until: number): void;
  /** Resolves once the file holds all that was acknowledged. */
  close(): Promise<void>;
}

const remembered = z.object({
  from: z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/),
  sentTo: z.array(z.int().min(0)).max(100_000).default([]),
});
type Remembered = z.output<typeof remembered>;

/**
 * Reads the file, or begins with `from` where there is none that can be read. It is written when a report of a new
 * instant is acknowledged: a process that is killed sends the reports of one instant again, which are duplicates.
 */
export async function openFleetMemory(
  file: string,
  { meters, from }: { readonly meters: number; readonly from: string },
): Promise<FleetMemory> {
  const known = (await readMemory(file)) ?? { from, sentTo: [] };
  const sentTo = Array.from({ length: meters }, (_, meter) => known.sentTo[meter] ?? 0);
  let latest = Math.max(...sentTo);
  let writing: Promise<void> | undefined;
  let changed = false;

  async function writeUntilDone(): Promise<void> {
    while (changed) {
      changed = false;
      await writeFile(`${file}.new`, `${JSON.stringify({ from: known.from, sentTo })}\n`);
      await rename(`${file}.new`, file);
    }
  }

  function write(): Promise<void> {
    changed = true;
    writing ??= writeUntilDone().finally(() => {
      writing = undefined;
    });
    return writing;
  }

  await write();
  return {
    from: known.from,
    sentTo: [...sentTo],
    acknowledged(meter, until) {
      sentTo[meter] = Math.max(sentTo[meter] ?? 0, until);
      if (until <= latest) return;
      latest = until;
      // A demonstration goes on where the disk is full; closing tells of it.
      write().catch(() => undefined);
    },
    close: write,
  };
}

async function readMemory(file: string): Promise<Remembered | undefined> {
  try {
    return remembered.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return undefined;
  }
}
