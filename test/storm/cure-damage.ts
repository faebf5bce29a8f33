import type { ApiClient } from "../support/network/api-client.ts";
import type { LostReadings } from "./lost-readings.ts";

/** An entry of `GET /v1/damage`. */
export interface KnownDamageEntry {
  readonly id: string;
  readonly place: string;
  readonly where: string;
  readonly meterId: string | null;
  readonly state: string;
  readonly lost: number | null;
  readonly mended: { readonly lost: number | null } | null;
}

const waitMsMax = 90_000;

/** All entries, acknowledged or not. */
export async function damageEntries(
  { get }: Pick<ApiClient, "get">,
  { acknowledged = true } = {},
): Promise<readonly KnownDamageEntry[]> {
  const { items } = await get<{ items: KnownDamageEntry[] }>(`/v1/damage?acknowledged=${acknowledged}&limit=1000`);
  return items;
}

export async function until(holds: () => Promise<boolean>, otherwise: string): Promise<void> {
  const deadline = Date.now() + waitMsMax;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(otherwise);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/**
 * What an operator does: master data are sent again, damaged revisions are struck out, and all is acknowledged in the
 * end. Blocks are rebuilt from the log by themselves. Answers the meters for which something could not be recovered.
 * Frames that were not taken in yet are not among them: whoever flips a bit of one knows what it held.
 */
export async function cureDamage(
  api: Pick<ApiClient, "get" | "request">,
  putMeter: (meterId: string) => Promise<void>,
): Promise<LostReadings> {
  const isOf = (place: string) => (entry: KnownDamageEntry) => entry.place === place && entry.state === "open";
  const found = await damageEntries(api);
  for (const { meterId } of found.filter(isOf("registry"))) if (meterId !== null) await putMeter(meterId);
  for (const { id, where } of found.filter(isOf("ledger")))
    if (where.includes("revision")) await post(api, `/v1/damage/${id}/repairs`);
  const mendable = ({ place, where, meterId }: KnownDamageEntry) =>
    (place === "ledger" && where.includes("revision")) ||
    (place === "series" && where.includes(" bytes ")) ||
    (place === "registry" && meterId !== null);
  const unmended = async () => (await damageEntries(api)).filter((entry) => mendable(entry) && entry.mended === null);
  await until(async () => (await unmended()).length === 0, "what can be mended is not within the time").catch(
    async (error: Error) => {
      throw new Error(`${error.message}: ${JSON.stringify(await unmended())}`);
    },
  );
  for (const { id } of await damageEntries(api, { acknowledged: false }))
    await post(api, `/v1/damage/${id}/acknowledgements`);
  const entries = await damageEntries(api);
  return new Map(
    entries.flatMap(({ meterId, mended }) => (meterId !== null && mended?.lost ? [[meterId, "any"]] : [])),
  );
}

async function post({ request }: Pick<ApiClient, "request">, path: string): Promise<void> {
  const body = JSON.stringify({ reason: "the storm" });
  const answer = await request(path, { method: "POST", headers: { "content-type": "application/json" }, body });
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
}
