import type { Damage } from "@meterbook/core/domain/damage/damage";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type {
  FrameBatch,
  FrameConsumer,
  LogFrame,
  LoggedReport,
  ReadingsLog,
  Subscription,
} from "@meterbook/core/ports/readings-log";
import { partitionOf } from "@meterbook/sharding/slot";
import { expect, onTestFinished, test, vi } from "vitest";

export interface ReadingsLogUnderTest {
  /** Opens the same log again and again, also while it is open. */
  open(damaged?: TellDamage): Promise<ReadingsLog>;
  /** Appends a report in a frame of its own whose stored bytes are not those that were written. */
  appendDamaged(log: ReadingsLog, report: LoggedReport, change: (frame: Buffer) => Buffer): Promise<void>;
}

const receivedAtMs = 1_793_484_000_123;

export function aReport(meterId: string, text: string, over: Partial<LoggedReport> = {}): LoggedReport {
  return { meterId, receivedAtMs, origin: "remote", report: Buffer.from(text), readings: 1, ...over };
}

/** `meter:text` of every report, in order. */
export function textsOf(frames: readonly LogFrame[]): string[] {
  return frames.flatMap(({ reports }) =>
    reports.map(({ meterId, report }) => `${meterId}:${Buffer.from(report).toString()}`),
  );
}

export interface Collected {
  readonly frames: LogFrame[];
  readonly consumer: FrameConsumer;
}

/** A consumer that stands at the given positions (0 where none is named) and keeps what it gets. */
export function collector(
  positions: ReadonlyMap<number, number> = new Map(),
  handle?: (batch: FrameBatch) => Promise<void>,
): Collected {
  const frames: LogFrame[] = [];
  return {
    frames,
    consumer: {
      assigned: async (partition) => positions.get(partition) ?? 0,
      revoked: async () => undefined,
      async handle(batch) {
        await handle?.(batch);
        frames.push(...batch.frames);
      },
    },
  };
}

/** Waits until so many reports have come. */
export async function reports(collected: Collected, count: number): Promise<string[]> {
  await vi.waitFor(() => expect(textsOf(collected.frames).length).toBeGreaterThanOrEqual(count), {
    timeout: 15_000,
    interval: 5,
  });
  return textsOf(collected.frames);
}

/** What the port promises (packages/core/src/ports/readings-log.ts). Every adapter runs it. */
export function readingsLogContract(make: () => Promise<ReadingsLogUnderTest>): void {
  async function fresh(): Promise<{ log: ReadingsLog; under: ReadingsLogUnderTest }> {
    const under = await make();
    const log = await under.open();
    onTestFinished(() => log.close().catch(() => undefined));
    return { log, under };
  }

  async function consume(log: ReadingsLog, collected: Collected): Promise<Subscription> {
    const subscription = await log.consume(collected.consumer);
    onTestFinished(() => subscription.close());
    return subscription;
  }

  test("what was appended is delivered with all its fields, also after opening again", async () => {
    const { log, under } = await fresh();
    const given = [
      aReport("m-1", "one", { readings: 96, origin: "inspector" }),
      aReport("m.2", "", { receivedAtMs: receivedAtMs + 1 }),
      aReport("x".repeat(64), "\u0000three\n", { readings: 10_000 }),
    ];
    for (const report of given) await log.append(report);
    await log.close();
    const again = await under.open();
    onTestFinished(() => again.close());
    const collected = collector();
    await consume(again, collected);
    await reports(collected, 3);
    const found = collected.frames.flatMap((frame) => frame.reports);
    expect(found.map((one) => ({ ...one, report: Buffer.from(one.report) })).sort(byMeter)).toEqual(
      [...given].sort(byMeter),
    );
    for (const { partition, reports: some } of collected.frames) {
      for (const { meterId } of some) expect(partitionOf(meterId, log.partitions)).toBe(partition);
    }
  });

  test("reports of one meter keep their order, whoever else appends", async () => {
    const { log } = await fresh();
    const collected = collector();
    await consume(log, collected);
    const meters = Array.from({ length: 20 }, (_, i) => `m-${i}`);
    const appends = Array.from({ length: 50 }, (_, n) =>
      meters.map((meterId) => log.append(aReport(meterId, `${n}`))),
    ).flat();
    await Promise.all(appends);
    const texts = await reports(collected, 1000);
    for (const meterId of meters) {
      const own = texts.filter((text) => text.startsWith(`${meterId}:`));
      expect(own).toEqual(Array.from({ length: 50 }, (_, n) => `${meterId}:${n}`));
    }
  });

  test("offsets follow each other, and delivery begins at the position that the consumer names", async () => {
    const { log } = await fresh();
    const meterId = "m-1";
    const partition = partitionOf(meterId, log.partitions);
    for (let n = 0; n < 5; n += 1) await log.append(aReport(meterId, `${n}`));
    const all = collector();
    const first = await consume(log, all);
    await reports(all, 5);
    await first.close();
    const offsets = all.frames.map(({ offset }) => offset);
    expect(offsets).toEqual(offsets.map((_, i) => (offsets[0] ?? 0) + i));
    const fourth = all.frames.find(({ reports: some }) =>
      some.some(({ report }) => Buffer.from(report).toString() === "3"),
    );
    const later = collector(new Map([[partition, fourth?.offset ?? 0]]));
    await consume(log, later);
    expect(await reports(later, 2)).toEqual(["m-1:3", "m-1:4"]);
  });

  test("a batch whose handler rejects is delivered again, and nothing overtakes it", async () => {
    const { log } = await fresh();
    let failures = 3;
    let running = 0;
    const seen: string[] = [];
    const collected = collector(new Map(), async ({ frames }) => {
      running += 1;
      expect(running).toBe(1);
      seen.push(textsOf(frames)[0] ?? "");
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      if (failures-- > 0) throw new Error("the series store is down");
    });
    await consume(log, collected);
    await log.append(aReport("m-1", "one"));
    await log.append(aReport("m-1", "two"));
    expect(await reports(collected, 2)).toEqual(["m-1:one", "m-1:two"]);
    expect(seen.slice(0, 4)).toEqual(["m-1:one", "m-1:one", "m-1:one", "m-1:one"]);
  });

  test("a closed subscription has ended its batch and gets no more", async () => {
    const { log } = await fresh();
    const entered = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const collected = collector(new Map(), async () => {
      entered.resolve();
      await release.promise;
    });
    const subscription = await log.consume(collected.consumer);
    await log.append(aReport("m-1", "one"));
    await entered.promise;
    const closed = subscription.close();
    await log.append(aReport("m-1", "two"));
    release.resolve();
    await closed;
    expect(textsOf(collected.frames)).toEqual(["m-1:one"]);
  });

  test("what another connection appends is delivered too", async () => {
    const { log, under } = await fresh();
    const other = await under.open();
    onTestFinished(() => other.close());
    const collected = collector();
    await consume(log, collected);
    await other.append(aReport("m-1", "one"));
    await log.append(aReport("m-1", "two"));
    await other.append(aReport("m-1", "three"));
    expect(await reports(collected, 3)).toEqual(["m-1:one", "m-1:two", "m-1:three"]);
  });

  test("ends and what is unread are exact the moment append has resolved, for every connection", async () => {
    const { log, under } = await fresh();
    const other = await under.open();
    onTestFinished(() => other.close());
    const nothing = { readings: 0, oldestAppendedAtMs: undefined };
    expect(await log.unread(new Map())).toEqual({ ...nothing, accepted: 0 });
    const before = Date.now();
    const appends = Array.from({ length: 40 }, (_, n) =>
      (n % 2 ? log : other).append(aReport(`m-${n}`, "x", { readings: 3 })),
    );
    await Promise.all(appends);
    const ends = await other.ends();
    expect(await log.ends()).toEqual(ends);
    expect([...ends.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: log.partitions }, (_, i) => i));
    const unread = await other.unread(new Map());
    expect(unread.readings).toBe(120);
    expect(unread.oldestAppendedAtMs).toBeGreaterThanOrEqual(before);
    expect(unread.oldestAppendedAtMs).toBeLessThanOrEqual(Date.now());
    expect(await log.unread(new Map())).toEqual(unread);
    expect(await log.unread(ends)).toEqual({ ...nothing, accepted: 120 });
    await log.append(aReport("m-1", "y", { readings: 7 }));
    expect(await other.unread(ends)).toMatchObject({ readings: 7, accepted: 127 });
  });

  test.for([
    { how: "a bit flipped in it", change: flipOne },
    { how: "its end cut off", change: (frame: Buffer) => frame.subarray(0, frame.length - 3) },
    { how: "a stranger's bytes in its place", change: () => Buffer.from("hello, world") },
    { how: "nothing in it", change: () => Buffer.alloc(0) },
  ])("H07: a frame with $how is set aside and told, and those around it are delivered", async ({ change }) => {
    const { log, under } = await fresh();
    const partition = partitionOf("m-1", log.partitions);
    await log.append(aReport("m-1", "one", { readings: 3 }));
    await under.appendDamaged(log, aReport("m-1", "two", { readings: 3 }), change);
    await log.append(aReport("m-1", "three", { readings: 3 }));
    const end = (await log.ends()).get(partition) ?? 0;
    await log.close();
    const damages: Damage[] = [];
    const again = await under.open((damage) => damages.push(damage));
    onTestFinished(() => again.close());
    const collected = collector();
    await consume(again, collected);
    expect(await reports(collected, 2)).toEqual(["m-1:one", "m-1:three"]);
    expect(damages).toMatchObject([
      { place: "readings-log", where: `partition ${partition} offset ${end - 2}`, code: "checksum_mismatch", lost: 3 },
    ]);
    expect((await again.unread(new Map([[partition, 0]]))).readings).toBe(9);
    await again.append(aReport("m-1", "four"));
    expect(await reports(collected, 3)).toEqual(["m-1:one", "m-1:three", "m-1:four"]);
  });

  test("close keeps what was given before it and takes nothing after it", async () => {
    const { log, under } = await fresh();
    const given = Promise.all([log.append(aReport("m-1", "one")), log.append(aReport("m-2", "two"))]);
    await log.close();
    await given;
    await expect(log.append(aReport("m-1", "late"))).rejects.toMatchObject({ code: "log_closed", retryable: false });
    const again = await under.open();
    onTestFinished(() => again.close());
    expect(await again.unread(new Map())).toMatchObject({ readings: 2 });
  });
}

function flipOne(frame: Buffer): Buffer {
  const at = frame.length >> 1;
  frame[at] = (frame[at] as number) ^ 4;
  return frame;
}

function byMeter(a: LoggedReport, b: LoggedReport): number {
  return a.meterId < b.meterId ? -1 : 1;
}
