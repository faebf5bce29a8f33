import { type Damage, damageId } from "@meterbook/core/domain/damage/damage";
import { messageOf } from "@meterbook/core/ports/adapter-error";
import type { Clock } from "@meterbook/core/ports/clock";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import {
  directoryFiles,
  type FileName,
  fileNamesOf,
  kindOf,
  openToRead,
  pathOf,
} from "../directory/directory-files.ts";
import { type CheckedTable, type TableIn, tableCheck, tablesIn } from "./check-records.ts";
import type { WrongRow } from "./wrong-row.ts";

export interface ScrubEvents {
  /** `ratio`: how far the table is read, by its keys, 0 to 1. */
  checked(facts: {
    readonly file: FileName;
    readonly table: CheckedTable;
    readonly rows: number;
    readonly ratio: number;
  }): void;
  /** Every record was read once since the last time. */
  completed(facts: { readonly atMs: number }): void;
}

export interface ScrubOptions {
  readonly dataDir: string;
  /** How many the data directory has; one where absent. */
  readonly shards?: number;
  readonly clock: Clock;
  readonly tell: TellDamage;
  readonly events: ScrubEvents;
  /** Of one core, 0 to 1. */
  readonly shareMax: number;
  /** Between the end of a round and the next. */
  readonly restMs: number;
}

/** A slice this large takes some milliseconds. */
const rowsPerSlice = 200;

/**
 * Reads every record again and again in the background, for at most a share of a core, and tells of those that are not
 * what they were: what nobody reads for years is found while a backup that holds it still exists.
 */
export function scrubDirectory(options: ScrubOptions): { close(): Promise<void> } {
  const { clock, events, restMs, shards = 1 } = options;
  // An entry about damage says itself that it cannot be read.
  const tables = tablesIn(fileNamesOf(shards).filter((file) => file !== "damage"));
  const stop = Promise.withResolvers<void>();
  let closed = false;

  async function pause(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([over, stop.promise]);
    clearTimeout(timer);
  }

  async function run(): Promise<void> {
    while (!closed) {
      for (const table of tables) if (!closed) await scrubTable(options, table, { pause, isClosed: () => closed });
      if (!closed) events.completed({ atMs: clock.nowMs() });
      await pause(restMs);
    }
  }

  const running = run();
  return {
    async close() {
      closed = true;
      stop.resolve();
      await running;
    },
  };
}

interface Turns {
  pause(ms: number): Promise<void>;
  isClosed(): boolean;
}

async function scrubTable(options: ScrubOptions, { file, table }: TableIn, { pause, isClosed }: Turns): Promise<void> {
  const { dataDir, clock, tell, events, shareMax } = options;
  try {
    const database = openToRead(pathOf(dataDir, file));
    try {
      const rows = tableCheck(database, { file, table });
      const range = rows.range();
      for (let from = range?.first; range !== undefined && from !== undefined && !isClosed(); ) {
        const begun = performance.now();
        const { rows: count, wrong, lastKey } = rows.check(from, range.last, rowsPerSlice);
        for (const row of wrong) tell(damageOf(row, clock.nowMs()));
        const ratio = lastKey === undefined ? 1 : (lastKey - range.first + 1) / (range.last - range.first + 1);
        events.checked({ file, table, rows: count, ratio });
        from = lastKey === undefined || lastKey >= range.last ? undefined : lastKey + 1;
        await pause((performance.now() - begun) * (1 / shareMax - 1));
      }
    } finally {
      database.close();
    }
  } catch (error) {
    // Pages that cannot be read: the other tables are looked at all the same.
    const detail = messageOf(error);
    tell(
      damageOf({ file, code: "record_unreadable", where: `pages of ${file}.db`, detail, meterId: null }, clock.nowMs()),
    );
  }
}

function damageOf({ file, code, where, detail, meterId }: WrongRow, foundAtMs: number): Damage {
  const { place } = directoryFiles[kindOf(file)];
  const help =
    "npm run verify names all that is wrong; a backup that holds the record: npm run restore -- --from BACKUP";
  return { id: damageId(place, where), place, code, where, detail, help, meterId, period: null, lost: null, foundAtMs };
}
