import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { LedgerEntry, SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { encodeSnapshot } from "@meterbook/core/records/encode-snapshot";
import { expect, test, vi } from "vitest";
import { apiWorld, aSnapshot, servedApi } from "../../../../../test/support/worlds/api-world.ts";
import { memorySnapshots } from "../../../../../test/support/worlds/memory-ports.ts";
import { exportSlots } from "./export-slots.ts";

/** A ledger without end: every page is full. Counts the pages that were asked for. */
function endless(fail?: { readonly atPage: number; readonly error: Error }): SnapshotView & { pages: number } {
  const view = {
    ...memorySnapshots(),
    pages: 0,
    async latest({ limit }: { limit: number }): Promise<readonly LedgerEntry[]> {
      view.pages += 1;
      if (view.pages === fail?.atPage) throw fail.error;
      const base = view.pages * 10_000;
      return Array.from({ length: limit }, (_, i) => ({
        shard: 0,
        sequence: base + i,
        snapshot: aSnapshot({ meterId: `m-${base + i}` }),
      }));
    },
    latestRecords: async ({ limit }: { limit: number }) =>
      (await view.latest({ limit })).map(({ snapshot }) => {
        const { meterId, period, revision } = snapshot;
        return { meterId, period, revision, record: encodeSnapshot(snapshot) };
      }),
  };
  return view;
}

async function open(address: string, accept: string): Promise<IncomingMessage> {
  const request = get(`http://${address}/v1/snapshots?period=2026-10`, { headers: { accept } });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return response;
}

async function codeOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { code: unknown }).code;
}

/** Takes at least so many bytes, and then no more. */
async function take(response: IncomingMessage, bytes: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let taken = 0;
  response.on("data", (data: Buffer) => {
    taken += data.length;
    if (taken >= bytes) resolve();
  });
  response.resume();
  await promise;
  response.pause();
}

/** Waits until two looks, some turns of the loop apart, find the same. */
async function settled(look: () => number): Promise<number> {
  let before = Number.NaN;
  let timesSame = 0;
  await vi.waitFor(
    () => {
      const now = look();
      timesSame = now === before ? timesSame + 1 : 0;
      before = now;
      // On a machine that stands still twice the same says nothing.
      expect(timesSame).toBeGreaterThanOrEqual(3);
    },
    { interval: 100 },
  );
  return before;
}

test.for(["text/csv", "application/x-ndjson"])(
  "%s: the source waits for the client and stops when it goes",
  async (accept) => {
    const snapshots = endless();
    const { address } = await servedApi(apiWorld({ snapshots }));
    const response = await open(address, accept);
    response.pause();
    const waiting = await settled(() => snapshots.pages);
    // What the sockets of both sides hold, and no more.
    expect(waiting).toBeLessThan(60);
    await take(response, 5_000_000);
    expect(await settled(() => snapshots.pages)).toBeGreaterThan(waiting);
    const before = snapshots.pages;
    response.destroy();
    // One page may be under way when the client goes.
    expect(await settled(() => snapshots.pages)).toBeLessThanOrEqual(before + 1);
  },
);

test("while exports run others are answered, and no more run than may", async () => {
  const snapshots = endless();
  const { address } = await servedApi(apiWorld({ snapshots }, { limits: { exportsMax: 2 } }));
  const first = await open(address, "text/csv");
  const second = await open(address, "text/csv");
  const refused = await fetch(`http://${address}/v1/snapshots?period=2026-10`, { headers: { accept: "text/csv" } });
  expect([refused.status, refused.headers.get("retry-after"), await codeOf(refused)]).toEqual([
    503,
    "5",
    "too_many_exports",
  ]);
  expect((await fetch(`http://${address}/v1/snapshots?period=2026-10&limit=3`)).status).toBe(200);
  first.destroy();
  await vi.waitFor(async () => {
    const third = await open(address, "text/csv");
    expect(third.statusCode).toBe(200);
    third.destroy();
  });
  second.destroy();
  await vi.waitFor(async () =>
    expect(await (await fetch(`http://${address}/metrics`)).text()).toContain("meterbook_api_exports_running 0"),
  );
});

test("a failure before the first byte is a problem document, a later one breaks the stream", async () => {
  const error = new AdapterError("store_read_failed", { retryable: true });
  const early = await servedApi(apiWorld({ snapshots: { ...endless({ atPage: 1, error }) } }));
  const response = await fetch(`http://${early.address}/v1/snapshots?period=2026-10`, {
    headers: { accept: "text/csv" },
  });
  expect([response.status, await codeOf(response)]).toEqual([503, "storage_unavailable"]);
  const late = await servedApi(apiWorld({ snapshots: endless({ atPage: 5, error }) }));
  const broken = await fetch(`http://${late.address}/v1/snapshots?period=2026-10`, { headers: { accept: "text/csv" } });
  expect(broken.status).toBe(200);
  await expect(broken.text()).rejects.toThrow();
});

test("closing the API cuts an endless export after the time it has", async () => {
  const api = await servedApi(apiWorld({ snapshots: endless() }, { limits: { closeMs: 50 } }));
  const response = await open(api.address, "text/csv");
  const closed = new Promise((resolve) => response.on("error", () => undefined).on("close", resolve));
  response.resume();
  await api.close();
  await closed;
  expect(response.complete).toBe(false);
});

test("H14: exports that are hardly read are ended, and others get their slots", async () => {
  const limits = { exportsMax: 2, exportSlowMs: 600, exportBytesPerSecondMin: 4096 };
  const { address } = await servedApi(apiWorld({ snapshots: endless() }, { limits }));
  const slow = await Promise.all([open(address, "text/csv"), open(address, "text/csv")]);
  const ended = slow.map((response) => new Promise((resolve) => response.on("error", resolve).on("close", resolve)));
  for (const response of slow) {
    // A kilobyte now and then keeps the connection from being idle.
    const timer = setInterval(() => response.read(1024), 100);
    response.once("close", () => clearInterval(timer));
  }
  await vi.waitFor(
    async () => {
      const third = await open(address, "text/csv");
      third.destroy();
      expect(third.statusCode).toBe(200);
    },
    { timeout: 10_000, interval: 100 },
  );
  // Both, before they are read on: an export that is still there would then be read without end.
  await vi.waitFor(
    async () => {
      const metrics = await (await fetch(`http://${address}/metrics`)).text();
      expect(metrics).toMatch(/meterbook_api_connections_ended_total\{reason="export_slow"\} 2/);
    },
    { timeout: 10_000, interval: 100 },
  );
  for (const response of slow) response.resume();
  await Promise.all(ended);
});

test("H14: one caller does not get all slots", () => {
  const slots = exportSlots(8, 4);
  const releases = Array.from({ length: 4 }, () => slots.take("a"));
  expect(() => slots.take("a")).toThrow("4 exports of yours");
  slots.take("b");
  releases[0]?.();
  releases[0]?.();
  expect(slots.active).toBe(4);
  slots.take("a");
  expect(() => slots.take("a")).toThrow("of yours");
});
