import type { MeterIdsPage } from "@meterbook/core/ports/series-store";
import { meterIdTable } from "../../sqlite-views/fleet/meter-id-table.ts";
import { within } from "../../waiting/within.ts";
import type { InfluxConnection } from "../client/influx-connection.ts";
import { anyOf, type QueryParameters, query } from "../client/influx-query.ts";
import { type SlotRoutes, slotTags } from "../points/slot-routes.ts";

/** A question holds so many of the 256 slots: with 5 million meters an answer has some 300 000 ids. */
const slotsPerQuery = 16;
/** Whoever asks waits so long for the ids to be gone over; then the answer is of those that are known by now. */
const waitMsMax = 2000;
/** Going over them may be a twentieth of the time in all, while somebody asks. */
const restsPerSweep = 19;

/**
 * Ids of all meters, in order. InfluxDB has an index of tags by slot, and none of ids over all slots. So the ids are
 * read slot by slot into a table of this process, and pages are read from there. They are gone over again when somebody
 * asks and the last time was long enough ago: nineteen times what it took.
 */
export function meterList(routes: SlotRoutes, signal: AbortSignal, nowMs = () => performance.now()) {
  const table = meterIdTable();
  let sweep: Promise<void> | undefined;
  let restsUntil = Number.NEGATIVE_INFINITY;
  let wasSwept = false;

  async function goOver(): Promise<void> {
    const startedMs = nowMs();
    for (const [connection, tags] of tagsByServer(routes))
      for (let first = 0; first < tags.length; first += slotsPerQuery) {
        await table.put(await idsOf(connection, tags.slice(first, first + slotsPerQuery), signal));
      }
    wasSwept = true;
    restsUntil = nowMs() + restsPerSweep * (nowMs() - startedMs);
  }

  function sweptAgain(): Promise<void> {
    sweep ??= goOver().finally(() => {
      sweep = undefined;
    });
    return sweep;
  }

  return {
    async page(page: MeterIdsPage): Promise<readonly string[]> {
      if (nowMs() >= restsUntil) {
        const swept = sweptAgain();
        // The first time all are waited for: half a list would be taken for the whole. Who looks for a name does not.
        const isWhole = !wasSwept && page.prefix === undefined;
        if (isWhole || (await within(waitMsMax, swept)) === "done") await swept;
      }
      return table.page(page);
    },
    async close(): Promise<void> {
      await sweep?.catch(() => undefined);
      table.close();
    },
  };
}

function tagsByServer({ connections, serverOf }: SlotRoutes): [InfluxConnection, string[]][] {
  return connections.map((connection, server) => [connection, slotTags.filter((_, slot) => serverOf(slot) === server)]);
}

async function idsOf(connection: InfluxConnection, tags: readonly string[], signal: AbortSignal): Promise<string[]> {
  const parameters: QueryParameters = {};
  const text = `SHOW TAG VALUES FROM channel WITH KEY = m WHERE ${anyOf("k", tags, parameters)}`;
  const rows = await query(connection, { text, parameters }, signal);
  return rows.flatMap(({ values }) => values.map((row) => String(row[1])));
}
