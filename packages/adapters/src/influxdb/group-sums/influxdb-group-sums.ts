import type { BaseUnit } from "@meterbook/core/domain/reading/reading";
import { baseUnits } from "@meterbook/core/domain/reading/reading";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type {
  DayRange,
  GroupDay,
  GroupMembers,
  GroupSums,
  GroupSumsReader,
  GroupSumsWriter,
  ListedGroup,
  SummedDay,
} from "@meterbook/core/ports/group-sums";
import type { InfluxConnection, InfluxOptions } from "../client/influx-connection.ts";
import { query, timeWithin } from "../client/influx-query.ts";
import { escapeKey, quoteIdentifier, quoteString } from "../points/line-protocol.ts";
import { type SlotRoutes, slotRoutes } from "../points/slot-routes.ts";
import { type RefusedLine, writeLines } from "../writing/influx-write.ts";

/**
 * Measurement `groupday`: tags `g` (group) and `part`, at the day's midnight, a field `<register>_<unit>` with the sums
 * in base 64, empty where they are gone. `groupmember`: the same tags, at 0, who is in it. `grouppending`: tag `part`,
 * at the nanosecond of the owner's epoch, the days that are to be summed. All of a partition is on one server.
 */
const linesMax = 2000;

export function openInfluxGroupSums(options: InfluxOptions): GroupSums {
  const routes = slotRoutes(options);
  const closed = new AbortController();
  return {
    async open(partition, epoch) {
      const connection = routes.connections[routes.serverOf(partition)] as InfluxConnection;
      return openWriter({ connection, partition, epoch, signal: closed.signal });
    },
    async close() {
      closed.abort();
      routes.close();
    },
  };
}

interface Own {
  readonly connection: InfluxConnection;
  readonly partition: number;
  readonly epoch: number;
  readonly signal: AbortSignal;
}

async function openWriter(own: Own): Promise<GroupSumsWriter> {
  const found = await newestPending(own);
  let pending: readonly DayRange[] = found?.days ?? [];
  // An epoch may have been given twice where the log that counts them was made anew.
  let epoch = Math.max(own.epoch, (found?.epoch ?? -1) + 1);

  /** Whoever takes readings in is the owner: another that was only slow to begin has gone already. */
  async function takeBack(): Promise<void> {
    const newest = await newestPending(own);
    if (newest === undefined || newest.epoch <= epoch) return;
    epoch = newest.epoch + 1;
    pending = [...pending, ...newest.days];
  }

  async function record(days: readonly DayRange[]): Promise<void> {
    const line = `grouppending,part=${own.partition} days=${quoteString(JSON.stringify(days))} ${epoch}`;
    await write(own, [line], "ns");
    pending = days;
  }

  async function checkOwner(): Promise<void> {
    const newest = await newestPending(own);
    if (newest === undefined || newest.epoch <= epoch) return;
    const detail = `the sums of partition ${own.partition} are another's to write`;
    throw new AdapterError("store_write_failed", { retryable: false, detail });
  }

  if (found !== undefined) await record(pending);
  return {
    pending: async () => found?.days,
    async changed(days) {
      await takeBack();
      await record([...pending, ...days]);
    },
    async summed(days) {
      await checkOwner();
      await record(days);
    },
    async put(day, sums) {
      await checkOwner();
      await write(own, [...goneLines(await storedDay(own, day), sums, own, day), ...dayLines(sums, own, day)], "s");
    },
    async members(groups) {
      await checkOwner();
      const known = new Set(groups.map(({ groupId }) => groupId));
      const gone = (await storedMembers(own)).filter((groupId) => !known.has(groupId));
      const empty = gone.map((groupId): GroupMembers => ({ groupId, meters: 0, meterIds: [] }));
      await write(
        own,
        [...groups, ...empty].map((one) => memberLine(one, own)),
        "s",
      );
    },
  };
}

async function write({ connection, signal }: Own, lines: readonly string[], precision: "s" | "ns"): Promise<void> {
  for (let from = 0; from < lines.length; from += linesMax) {
    const some = lines.slice(from, from + linesMax);
    await writeLines(connection, `${some.join("\n")}\n`, some.length, { precision, signal, refused: sumsRefused });
  }
}

function sumsRefused(lines: readonly RefusedLine[]): never {
  const detail = `METERBOOK_INFLUX_BUCKET: sums of groups were refused (${lines[0]?.detail})`;
  throw new AdapterError("store_write_failed", { retryable: false, detail });
}

async function newestPending({ connection, partition, signal }: Own) {
  const text = "SELECT days FROM grouppending WHERE part = $part ORDER BY time DESC LIMIT 1";
  const found = await query(connection, { text, parameters: { part: String(partition) }, epoch: "ns" }, signal);
  const row = found[0]?.values[0];
  return row === undefined ? undefined : { epoch: Number(row[0]), days: rangesIn(row[1]) };
}

function rangesIn(cell: unknown): readonly DayRange[] {
  try {
    return JSON.parse(String(cell)) as DayRange[];
  } catch {
    return [];
  }
}

function fieldOf(register: string, unit: BaseUnit): string {
  return `${register}_${unit}`;
}

function dayLines(sums: readonly GroupDay[], { partition }: Own, day: number): string[] {
  const byGroup = Map.groupBy(sums, ({ groupId }) => groupId);
  return [...byGroup].map(([groupId, own]) => {
    const fields = own.map(
      ({ register, unit, sums: bytes }) =>
        `${escapeKey(fieldOf(register, unit))}="${Buffer.from(bytes).toString("base64")}"`,
    );
    return `groupday,g=${escapeKey(groupId)},part=${partition} ${fields.join(",")} ${day}`;
  });
}

/** What was there and is not any more is written over by nothing. */
function goneLines(
  stored: readonly { groupId: string; field: string }[],
  sums: readonly GroupDay[],
  { partition }: Own,
  day: number,
): string[] {
  const kept = new Set(sums.map(({ groupId, register, unit }) => `${groupId} ${fieldOf(register, unit)}`));
  return stored
    .filter(({ groupId, field }) => !kept.has(`${groupId} ${field}`))
    .map(({ groupId, field }) => `groupday,g=${escapeKey(groupId)},part=${partition} ${escapeKey(field)}="" ${day}`);
}

async function storedDay({ connection, partition, signal }: Own, day: number) {
  const text = `SELECT * FROM groupday WHERE part = $part AND ${timeWithin(day, day)} GROUP BY g`;
  const found = await query(connection, { text, parameters: { part: String(partition) } }, signal);
  return found.flatMap(({ tags, columns, values }) =>
    values.flatMap((row) =>
      columns.flatMap((field, i) =>
        i > 0 && unitOf(field) !== undefined && typeof row[i] === "string" && row[i] !== ""
          ? [{ groupId: tags?.["g"] ?? "", field }]
          : [],
      ),
    ),
  );
}

function memberLine({ groupId, meters, meterIds }: GroupMembers, { partition }: Own): string {
  // A field's text has room for so many bytes.
  const ids = JSON.stringify(meterIds.slice(0, 900));
  return `groupmember,g=${escapeKey(groupId)},part=${partition} meters=${meters}i,ids=${quoteString(ids)} 0`;
}

async function storedMembers({ connection, partition, signal }: Own): Promise<readonly string[]> {
  const text = "SELECT meters FROM groupmember WHERE part = $part GROUP BY g";
  const found = await query(connection, { text, parameters: { part: String(partition) } }, signal);
  return found.flatMap(({ tags }) => tags?.["g"] ?? []);
}

function unitOf(field: string): BaseUnit | undefined {
  return baseUnits.find((unit) => field.endsWith(`_${unit}`));
}

/** Reads of the sums on InfluxDB from any process. Nothing is asked yet. */
export function openInfluxGroupSumsReader(options: InfluxOptions): GroupSumsReader {
  const routes = slotRoutes(options);
  const closed = new AbortController();
  const { signal } = closed;
  const onEach = async <Row>(ask: (connection: InfluxConnection) => Promise<readonly Row[]>): Promise<Row[]> =>
    (await Promise.all(routes.connections.map(ask))).flat();
  return {
    groups: (page) => listGroups(onEach, page, signal),
    group: (groupId) => oneGroup(onEach, groupId, signal),
    memberIds: (groupId) => onEach((connection) => membersOf(connection, groupId, signal)),
    days: async (groupId, register, range) =>
      (await onEach((connection) => daysOf(connection, groupId, register, range, signal))).sort(
        (a, b) => a.day - b.day,
      ),
    pending: async ({ from, to }) =>
      (await onEach((connection) => pendingOf(connection, signal)))
        .filter((range) => range.from <= to && range.to >= from)
        .sort((a, b) => a.from - b.from),
    close: async () => closeReader(routes, closed),
  };
}

function closeReader(routes: SlotRoutes, closed: AbortController): void {
  closed.abort();
  routes.close();
}

type OnEach = <Row>(ask: (connection: InfluxConnection) => Promise<readonly Row[]>) => Promise<Row[]>;

async function listGroups(
  onEach: OnEach,
  { prefix, afterGroupId = "", limit }: Parameters<GroupSumsReader["groups"]>[0],
  signal: AbortSignal,
): Promise<readonly ListedGroup[]> {
  const text = "SELECT meters FROM groupmember GROUP BY g, part";
  const rows = await onEach(async (connection) => {
    const found = await query(connection, { text, parameters: {} }, signal);
    return found.map(({ tags, values }) => ({ groupId: tags?.["g"] ?? "", meters: Number(values[0]?.[1] ?? 0) }));
  });
  const meters = new Map<string, number>();
  for (const one of rows) {
    if (one.meters > 0 && one.groupId.startsWith(prefix) && one.groupId > afterGroupId)
      meters.set(one.groupId, (meters.get(one.groupId) ?? 0) + one.meters);
  }
  return [...meters]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([groupId, count]) => ({ groupId, meters: count }));
}

async function oneGroup(onEach: OnEach, groupId: string, signal: AbortSignal) {
  const parameters = { g: groupId };
  const members = onEach(async (connection) => {
    const text = "SELECT meters FROM groupmember WHERE g = $g GROUP BY part";
    const found = await query(connection, { text, parameters }, signal);
    return found.flatMap(({ values }) => values.map((row) => Number(row[1])));
  });
  const fields = onEach(async (connection) => {
    // Every field of the measurement is a column, whoever's it is.
    const text = "SELECT count(*) FROM groupday WHERE g = $g";
    const found = await query(connection, { text, parameters }, signal);
    return found.flatMap(({ columns, values }) =>
      columns
        .filter((_, i) => values.some((row) => Number(row[i] ?? 0) > 0))
        .map((name) => name.replace(/^count_/, "")),
    );
  });
  const [sizes, known] = await Promise.all([members, fields]);
  const registers = [
    ...new Set(known.flatMap((field) => (unitOf(field) === undefined ? [] : field.replace(/_[^_]+$/, "")))),
  ].sort();
  const meters = sizes.reduce((sum, size) => sum + size, 0);
  return meters === 0 && registers.length === 0 ? undefined : { groupId, meters, registers };
}

async function membersOf(connection: InfluxConnection, groupId: string, signal: AbortSignal): Promise<string[]> {
  const text = "SELECT ids FROM groupmember WHERE g = $g GROUP BY part";
  const found = await query(connection, { text, parameters: { g: groupId } }, signal);
  return found.flatMap(({ values }) => values.flatMap((row) => JSON.parse(String(row[1])) as string[]));
}

async function daysOf(
  connection: InfluxConnection,
  groupId: string,
  register: string,
  { from, to }: DayRange,
  signal: AbortSignal,
): Promise<readonly SummedDay[]> {
  const fields = baseUnits.map((unit) => quoteIdentifier(fieldOf(register, unit))).join(", ");
  const text = `SELECT ${fields} FROM groupday WHERE g = $g AND ${timeWithin(from, to)} GROUP BY part`;
  const found = await query(connection, { text, parameters: { g: groupId } }, signal);
  return found.flatMap(({ values }) =>
    values.flatMap((row) =>
      baseUnits.flatMap((unit, i) => {
        const cell = row[i + 1];
        if (typeof cell !== "string" || cell === "") return [];
        return [{ day: Number(row[0]), unit, sums: Buffer.from(cell, "base64") }];
      }),
    ),
  );
}

async function pendingOf(connection: InfluxConnection, signal: AbortSignal): Promise<readonly DayRange[]> {
  const text = "SELECT days FROM grouppending GROUP BY part ORDER BY time DESC LIMIT 1";
  const found = await query(connection, { text, parameters: {}, epoch: "ns" }, signal);
  return found.flatMap(({ values }) => values.flatMap((row) => rangesIn(row[1])));
}
