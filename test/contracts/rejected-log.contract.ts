import type { Damage } from "@meterbook/core/domain/damage/damage";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { RejectedLog, Rejection } from "@meterbook/core/ports/rejected-log";
import { expect, onTestFinished, test } from "vitest";
import { flippedBit } from "../support/flipped-bit.ts";

export interface RejectedLogUnderTest {
  open(damaged?: TellDamage): Promise<RejectedLog>;
  /** Appends a message whose stored bytes are not those that were written. */
  appendDamaged(log: RejectedLog, rejection: Rejection, change: (bytes: Buffer) => Buffer): Promise<void>;
  /** What it takes on disk, as far as a test can see. */
  bytesKept(): Promise<number>;
}

export function aRejection(over: Partial<Rejection> = {}): Rejection {
  return {
    reason: "report_malformed",
    detail: "the payload is not JSON",
    topic: "meters/m-1/readings/json",
    meterId: "m-1",
    clientId: "c-1",
    receivedAtMs: 1_793_484_000_123,
    payload: Buffer.from([0, 255, 10, 13]),
    truncatedFrom: null,
    readingIndex: null,
    ...over,
  };
}

/** What the port promises (packages/core/src/ports/rejected-log.ts). Every adapter runs it. */
export function rejectedLogContract(make: () => Promise<RejectedLogUnderTest>): void {
  async function fresh(): Promise<{ log: RejectedLog; under: RejectedLogUnderTest }> {
    const under = await make();
    const log = await under.open();
    onTestFinished(() => log.close().catch(() => undefined));
    return { log, under };
  }
  const all = { limit: 100, includeReplayed: true };

  test("what was refused is there after opening again, bytes and all", async () => {
    const { log, under } = await fresh();
    const given = [
      aRejection(),
      aRejection({ meterId: null, truncatedFrom: 5_000_000, readingIndex: 3, payload: Buffer.alloc(0) }),
    ];
    await log.append(given);
    await log.close();
    const again = await under.open();
    onTestFinished(() => again.close());
    const found = await again.list(all);
    expect(found.map(({ id, replayedAtMs, payload, ...rest }) => ({ ...rest, payload: Buffer.from(payload) }))).toEqual(
      given,
    );
    expect(found.every(({ replayedAtMs }) => replayedAtMs === null)).toBe(true);
    expect(await again.get(found[1]?.id ?? "")).toEqual(found[1]);
  });

  test("what comes from the same place is kept once, whoever appends it, also after opening again", async () => {
    const { log, under } = await fresh();
    const other = await under.open();
    onTestFinished(() => other.close());
    const payload = Buffer.from("{}");
    const one = (source: string, detail: string) => aRejection({ source, detail, payload });
    await log.append([one("0/17/0", "a"), one("0/17/1", "b"), aRejection({ detail: "c" })]);
    await other.append([one("0/17/0", "again"), one("0/17/2", "d"), aRejection({ detail: "c" })]);
    await log.close();
    await other.append([one("0/17/1", "again")]);
    const again = await under.open();
    onTestFinished(() => again.close());
    await again.append([one("0/17/2", "again"), one("0/18/0", "e")]);
    expect((await again.list(all)).map(({ detail }) => detail)).toEqual(["a", "b", "c", "d", "c", "e"]);
    expect((await again.totals()).open).toBe(6);
  });

  test("pages in order of id, and unknown ids are nothing", async () => {
    const { log } = await fresh();
    await log.append(Array.from({ length: 5 }, (_, i) => aRejection({ detail: `${i}` })));
    const first = await log.list({ limit: 3, includeReplayed: false });
    const afterId = first.at(-1)?.id ?? "";
    const rest = await log.list({ limit: 3, includeReplayed: false, afterId });
    expect([...first, ...rest].map(({ detail }) => detail)).toEqual(["0", "1", "2", "3", "4"]);
    const ids = [...first, ...rest].map(({ id }) => id);
    expect([...ids].sort()).toEqual(ids);
    for (const id of ["", "nonsense", "r0000000000ffff", "1; DROP TABLE rejection"])
      expect(await log.get(id)).toBeUndefined();
  });

  test("N21: by reason, meter and time, oldest or newest first, in pages", async () => {
    const { log } = await fresh();
    const given = Array.from({ length: 24 }, (_, i) =>
      aRejection({
        reason: i % 3 === 0 ? "at_in_future" : "report_malformed",
        meterId: i % 4 === 0 ? null : `m-${i % 2}`,
        // Not in the order of refusal.
        receivedAtMs: 1_793_484_000_000 + ((i * 7) % 24) * 1000,
        payload: Buffer.from([i]),
      }),
    );
    await log.append(given);
    const hour = 1_793_484_000_000;
    const filters = [
      {},
      { reason: "at_in_future" },
      { meterId: "m-1" },
      { meterId: "m-1", reason: "report_malformed" },
      { fromMs: hour + 5000, toMs: hour + 11_000 },
      { fromMs: hour + 20_000, meterId: "m-0" },
      { toMs: hour + 3000, reason: "report_malformed" },
      { meterId: "m-9" },
      { fromMs: hour + 24_000 },
      { reason: "x' OR 1=1 --" },
    ];
    for (const filter of filters)
      for (const newestFirst of [false, true]) {
        const { reason, meterId, fromMs = 0, toMs = Infinity } = filter as Partial<Record<string, never>>;
        const right = given.flatMap((one, i) => {
          const fits = (reason ?? one.reason) === one.reason && (meterId ?? one.meterId) === one.meterId;
          return fits && one.receivedAtMs >= fromMs && one.receivedAtMs < toMs ? [i] : [];
        });
        if (newestFirst) right.reverse();
        const seen: number[] = [];
        for (let afterId: string | undefined; ; ) {
          const asked = { limit: 3, includeReplayed: false, newestFirst, ...filter };
          const page = await log.list(afterId === undefined ? asked : { ...asked, afterId });
          seen.push(...page.map(({ payload }) => payload[0] ?? -1));
          afterId = page.at(-1)?.id;
          if (page.length < 3) break;
        }
        expect([filter, newestFirst, seen]).toEqual([filter, newestFirst, right]);
      }
  });

  test("counts what is open, by reason; replaying twice counts once", async () => {
    const { log } = await fresh();
    await log.append([aRejection(), aRejection(), aRejection({ reason: "at_in_future" })]);
    expect(await log.totals()).toEqual({ open: 3, byReason: { report_malformed: 2, at_in_future: 1 } });
    const [first] = await log.list(all);
    await log.markReplayed(first?.id ?? "", 77);
    await log.markReplayed(first?.id ?? "", 78);
    await log.markReplayed("r0000000000ffff", 78);
    expect(await log.totals()).toEqual({ open: 2, byReason: { report_malformed: 1, at_in_future: 1 } });
    expect((await log.get(first?.id ?? ""))?.replayedAtMs).toBe(77);
    expect(await log.list({ limit: 10, includeReplayed: false })).toHaveLength(2);
    expect(await log.list(all)).toHaveLength(3);
  });

  test("H10: a message of which each reading is refused is kept once, and each entry has its own id, bytes and replay", async () => {
    const { log, under } = await fresh();
    const payload = Buffer.alloc(60_000, 7);
    const before = await under.bytesKept();
    for (let n = 0; n < 20; n += 1) {
      const refused = Array.from({ length: 80 }, (_, readingIndex) => aRejection({ payload, readingIndex }));
      await log.append([...refused, aRejection({ payload: Buffer.from("other") })]);
    }
    expect((await log.totals()).open).toBe(20 * 81);
    const grown = (await under.bytesKept()) - before;
    expect(grown).toBeGreaterThan(20 * payload.length);
    expect(grown).toBeLessThan(2 * 20 * payload.length);
    const found = await log.list({ limit: 81, includeReplayed: false });
    expect(found.map(({ readingIndex }) => readingIndex)).toEqual([...Array.from({ length: 80 }, (_, i) => i), null]);
    expect(
      found.every((one) => Buffer.from(one.payload).equals(one.readingIndex === null ? Buffer.from("other") : payload)),
    ).toBe(true);
    expect(new Set(found.map(({ id }) => id)).size).toBe(81);
    await log.markReplayed(found[41]?.id ?? "", 5);
    const open = await log.list({ limit: 80, includeReplayed: false });
    expect(open.map(({ id }) => id)).toEqual(found.map(({ id }) => id).filter((_, i) => i !== 41));
    expect((await log.get(found[41]?.id ?? ""))?.replayedAtMs).toBe(5);
  });

  test.for([
    { how: "a bit flipped in it", change: flippedBit },
    { how: "its end cut off", change: (bytes: Buffer) => bytes.subarray(0, bytes.length - 3) },
    { how: "nothing in it", change: () => Buffer.alloc(0) },
  ])("H07: a message with $how is set aside and told, and all others go on, also after opening again", async (how) => {
    const told = new Map<string, Damage>();
    const tell: TellDamage = (damage) => void told.set(damage.id, damage);
    const under = await make();
    const log = await under.open(tell);
    onTestFinished(() => log.close().catch(() => undefined));
    await log.append([aRejection({ detail: "one" })]);
    await under.appendDamaged(log, aRejection({ detail: "two", payload: Buffer.from("what was sent") }), how.change);
    await log.append([aRejection({ detail: "three" })]);
    await log.close();
    const again = await under.open(tell);
    onTestFinished(() => again.close());
    const page = await again.list({ limit: 2, includeReplayed: false });
    expect(page.map(({ detail }) => detail)).toEqual(["one", "three"]);
    expect([...told.values()]).toMatchObject([{ place: "rejected-log", code: "checksum_mismatch" }]);
    await again.append([aRejection({ detail: "four", reason: "at_in_future" })]);
    await again.markReplayed(page[1]?.id ?? "", 5);
    const shown = await again.list({ limit: 9, includeReplayed: true });
    expect(shown.map(({ detail, replayedAtMs }) => [detail, replayedAtMs])).toEqual([
      ["one", null],
      ["three", 5],
      ["four", null],
    ]);
    expect((await again.totals()).byReason).toMatchObject({ at_in_future: 1 });
    expect(told.size).toBe(1);
  });
}
