import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";

const whole = z.int();
const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text) / 1000);

const status = z.object({
  received: whole,
  stored: whole,
  duplicates: whole,
  conflicts: whole,
  rejected: whole,
  inFlight: whole,
  settled: z.boolean(),
});
export type Status = z.infer<typeof status>;

const reading = z.object({
  at: instant,
  register: z.string(),
  kind: z.string(),
  value: whole,
  unit: z.string(),
  quality: z.string(),
});
export type StoredReading = z.infer<typeof reading>;

const conflict = z.object({
  register: z.string(),
  at: instant,
  refused: z.object({ value: whole }),
  kept: z.object({ value: whole }),
});
export type Conflict = z.infer<typeof conflict>;

const evidence = z.object({ at: instant, value: whole }).nullable();
const registerRow = z.object({
  register: z.string(),
  unit: z.string(),
  value: whole.nullable(),
  opening: whole.nullable(),
  openingBasis: z.string().nullish(),
  consumption: whole.nullable(),
  quality: z.string(),
  method: z.string(),
  readAt: instant.nullable(),
  evidence: z.object({ before: evidence, after: evidence }),
});
const snapshot = z.object({
  id: z.string(),
  meterId: z.string(),
  period: z.string(),
  boundary: instant,
  registers: z.array(registerRow),
});
export type RegisterRow = z.infer<typeof registerRow>;
export type Snapshot = z.infer<typeof snapshot>;

/** The calls of the public API that a check needs. */
export interface MeterbookApi {
  status(): Promise<Status>;
  /** Asks again until nothing is in flight and no snapshot waits. */
  settled(deadlineMs: number): Promise<Status>;
  /** Ordered by instant; none where the meter is not known. */
  readings(meterId: string): Promise<readonly StoredReading[]>;
  conflicts(meterId: string): Promise<readonly Conflict[]>;
  /** The latest snapshot of each meter; none where the period is open. */
  snapshots(period: string): Promise<readonly Snapshot[]>;
}

const pollMs = 250;
const pageSize = 1000;

export function meterbookApi(base: string, key: string | undefined): MeterbookApi {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };

  async function get(path: string, accept: string): Promise<Response> {
    const response = await fetch(new URL(path, base), { headers: { ...headers, accept } });
    const expected = response.ok || response.status === 404 || response.status === 409;
    if (!expected) throw new Error(`GET ${path}: ${response.status} ${(await response.text()).slice(0, 500)}`);
    return response;
  }

  async function stream<Entry>(path: string, schema: z.ZodType<Entry>): Promise<Entry[]> {
    const response = await get(path, "application/x-ndjson");
    if (!response.ok) return absent(path, response, []);
    const lines = (await response.text()).split("\n").filter((text) => text !== "");
    return lines.map((text) => readAs(schema, JSON.parse(text), path));
  }

  async function pages<Entry>(path: string, schema: z.ZodType<Entry>): Promise<Entry[]> {
    const page = z.object({ items: z.array(schema), nextCursor: z.string().optional() });
    const entries: Entry[] = [];
    for (let cursor: string | undefined = ""; cursor !== undefined; ) {
      const from = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const response = await get(`${path}limit=${pageSize}${from}`, "application/json");
      if (!response.ok) return absent(path, response, entries);
      const { items, nextCursor } = readAs(page, await response.json(), path);
      entries.push(...items);
      cursor = nextCursor;
    }
    return entries;
  }

  const askStatus = async () =>
    readAs(status, await (await get("/v1/status", "application/json")).json(), "/v1/status");
  return {
    status: askStatus,
    async settled(deadlineMs) {
      const deadline = performance.now() + deadlineMs;
      for (;;) {
        const now = await askStatus();
        if (now.settled || performance.now() > deadline) return now;
        await pause(pollMs);
      }
    },
    readings: (meterId) => stream(`/v1/meters/${meterId}/readings`, reading),
    conflicts: (meterId) => pages(`/v1/meters/${meterId}/conflicts?`, conflict),
    snapshots: (period) => pages(`/v1/snapshots?period=${period}&`, snapshot),
  };
}

/** A meter that is not known and a period that is open have nothing; any other refusal is an error. */
async function absent<Entry>(path: string, response: Response, entries: Entry[]): Promise<Entry[]> {
  const text = await response.text();
  if (/"(meter_unknown|period_open)"/.test(text)) return entries;
  throw new Error(`GET ${path}: ${response.status} ${text.slice(0, 500)}`);
}

function readAs<Value>(schema: z.ZodType<Value>, answer: unknown, path: string): Value {
  const read = schema.safeParse(answer);
  if (read.success) return read.data;
  throw new Error(`GET ${path} answers something else than the contract says: ${z.prettifyError(read.error)}`);
}
