import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { RejectionQuery } from "@meterbook/core/ports/rejected-log";
import { bigNumbers } from "../file/row-checksum.ts";

/** All columns of a refusal and of its message, each with its checksum. */
export const entryCells = "refusal.*, refusal.checksum AS refusal_checksum, refused_message.*";

export type RejectionPage = (asked: Omit<RejectionQuery, "afterId">, after?: number) => Record<string, unknown>[];

/**
 * Pages of refusals with their messages. Each filter has an index that gives its entries in order. So a page costs as
 * much as the entries that it holds and those that a second filter leaves out. Times are turned into a range of places,
 * because the order of places is not quite the order of times.
 */
export function rejectionPages(database: DatabaseSync, entriesPerPlace: number): RejectionPage {
  const received = bigNumbers(
    database.prepare(
      "SELECT min(place) AS first, max(place) AS last FROM refused_message WHERE received_at_ms >= ? AND received_at_ms < ?",
    ),
  );

  function placesOf({ fromMs, toMs }: Pick<RejectionQuery, "fromMs" | "toMs">): Condition[] {
    if (fromMs === undefined && toMs === undefined) return [];
    const [from, to] = [fromMs ?? 0, toMs ?? Number.MAX_SAFE_INTEGER];
    const { first, last } = received.get(from, to) ?? {};
    return [
      {
        sql: "id >= ? AND id < ?",
        values: [Number(first ?? 0) * entriesPerPlace, (Number(last ?? -1) + 1) * entriesPerPlace],
      },
      { sql: "received_at_ms >= ? AND received_at_ms < ?", values: [from, to] },
    ];
  }

  return (asked, after) => {
    const conditions = [...conditionsOf(asked, after), ...placesOf(asked)];
    // A refusal whose message is not where it was is an entry still, unless the message is what is asked by.
    // One meter's messages lead to its refusals; else the refusals, which have the order, lead to their messages.
    const isTimed = asked.fromMs !== undefined || asked.toMs !== undefined;
    const join =
      asked.meterId === undefined
        ? `refusal ${isTimed ? "CROSS" : "LEFT"} JOIN refused_message ON place = id / ${entriesPerPlace}`
        : `refused_message CROSS JOIN refusal ON id >= place * ${entriesPerPlace} AND id < (place + 1) * ${entriesPerPlace}`;
    const where = conditions.length === 0 ? "" : `WHERE ${conditions.map(({ sql }) => sql).join(" AND ")}`;
    const down = asked.newestFirst === true ? "DESC" : "ASC";
    const order = asked.meterId === undefined ? `id ${down}` : `place ${down}, id ${down}`;
    const statement = bigNumbers(
      database.prepare(`SELECT ${entryCells} FROM ${join} ${where} ORDER BY ${order} LIMIT ?`),
    );
    return statement.all(...conditions.flatMap(({ values }) => values), asked.limit);
  };
}

interface Condition {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
}

function conditionsOf(asked: Omit<RejectionQuery, "afterId">, after: number | undefined): Condition[] {
  const { includeReplayed, newestFirst = false, reason, meterId } = asked;
  return [
    ...(after === undefined ? [] : [{ sql: `id ${newestFirst ? "<" : ">"} ?`, values: [after] }]),
    ...(includeReplayed ? [] : [{ sql: "replayed_at_ms IS NULL", values: [] }]),
    ...(reason === undefined ? [] : [{ sql: "reason = ?", values: [reason] }]),
    ...(meterId === undefined ? [] : [{ sql: "meter_id = ?", values: [meterId] }]),
  ];
}
