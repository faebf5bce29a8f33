import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { KafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import {
  openKafkaRejectedAppender,
  openKafkaRejectedLog,
} from "@meterbook/adapters/kafka/rejected-log/kafka-rejected-log";
import { followRefusedByOthers } from "@meterbook/adapters/kafka/rejected-log/refused-by-others";
import { topicOf } from "@meterbook/adapters/kafka/topics/kafka-topics";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import { type RefusedMessage, refusedMessages } from "@meterbook/core/ports/refused-message";
import type { Rejection } from "@meterbook/core/ports/rejected-log";
import { encodeRejectedRecord } from "@meterbook/core/records/rejected-record-protobuf";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { databaseBytes } from "../support/database-bytes.ts";
import { kafkaPlaces } from "../support/servers/kafka-place.ts";
import { kafkaIsThere } from "../support/servers/kafka-server.ts";
import { silentKafkaEvents as events } from "../support/servers/silent-kafka-events.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { aRejection, rejectedLogContract } from "./rejected-log.contract.ts";

const mebibyte = 1024 * 1024;
const all = { limit: 1000, includeReplayed: true };

describe.skipIf(!kafkaIsThere())("on Kafka", { timeout: 120_000 }, () => {
  const places = kafkaPlaces();

  /** A process of its own, with a view of its own. */
  async function open(connection: KafkaConnection, given?: string, tell: TellDamage = () => undefined) {
    const dataDir = given ?? (await temporaryDirectory());
    const log = await openKafkaRejectedLog({ connection, events, dataDir, ears: { tell, nowMs: () => 7 } });
    onTestFinished(() => log.close().catch(() => undefined));
    return log;
  }

  function appender(connection: KafkaConnection) {
    const one = openKafkaRejectedAppender({ connection, events });
    onTestFinished(() => one.close());
    return one;
  }

  rejectedLogContract(async () => {
    const connection = await places.place();
    const dataDir = await temporaryDirectory();
    return {
      open: (tell) => open(connection, dataDir, tell),
      appendDamaged: (_, rejection, change) => send(connection, [change(recordOf(rejection, Buffer.alloc(16, 9), 1))]),
      bytesKept: async () => databaseBytes(join(dataDir, "rejected.view.db")),
    };
  });

  function recordOf(rejection: Rejection, writer: Uint8Array, number: number): Buffer {
    const [message] = refusedMessages([rejection]);
    if (message === undefined) throw new Error("a rejection is of a message");
    return encodeRejectedRecord({ kind: "refused", message, writer, number });
  }

  async function send(connection: KafkaConnection, records: readonly Buffer[]): Promise<void> {
    const producer = connection.client.producer();
    await producer.connect();
    await producer.send({ topic: topicOf(connection, "rejected"), messages: records.map((value) => ({ value })) });
    await producer.disconnect();
  }

  test("processes agree on ids, counts and replays, also after a view was deleted", async () => {
    const connection = await places.place();
    const dataDir = await temporaryDirectory();
    const [one, two] = [await open(connection, dataDir), await open(connection)];
    const ingest = appender(connection);
    await ingest.append(Array.from({ length: 5 }, (_, n) => aRejection({ detail: `${n}` })));
    const ids = (await one.list(all)).map(({ id }) => id);
    expect((await two.list(all)).map(({ id }) => id)).toEqual(ids);
    await Promise.all([one.markReplayed(ids[1] ?? "", 10), two.markReplayed(ids[1] ?? "", 20)]);
    await two.markReplayed(ids[3] ?? "", 30);
    await one.append([aRejection({ reason: "at_in_future" })]);
    const [ours, theirs] = [await one.list(all), await two.list(all)];
    expect(ours).toEqual(theirs);
    expect(await two.totals()).toEqual({ open: 4, byReason: { at_in_future: 1, report_malformed: 3 } });
    await one.close();
    await rm(join(dataDir, "rejected.view.db"));
    const again = await open(connection, dataDir);
    expect(await again.list(all)).toEqual(theirs);
    expect(await again.totals()).toEqual(await two.totals());
  });

  test("H10: a process is told what others refuse from now on, with its sender, and not of its own", async () => {
    const connection = await places.place();
    const [ingest, aggregator] = [appender(connection), appender(connection)];
    await aggregator.append([aRejection({ detail: "before" })]);
    const told: RefusedMessage[] = [];
    const refused = (message: RefusedMessage) => void told.push(message);
    const follower = await followRefusedByOthers({ connection, events, except: ingest, refused });
    onTestFinished(() => follower.close());
    await ingest.append([aRejection({ detail: "its own" })]);
    await send(connection, [Buffer.from("nonsense")]);
    const late = { clientId: "aggregator", senderName: "m-7", meterId: "m-7" };
    await aggregator.append([aRejection({ ...late, readingIndex: 0 })]);
    await aggregator.append([aRejection({ ...late, detail: "last", payload: Buffer.alloc(300) })]);
    await expect.poll(() => told.length, { timeout: 20_000 }).toBe(2);
    expect(told[1]).toMatchObject({ ...late, refusals: [{ detail: "last" }] });
    expect(told[1]?.payload.length).toBe(300);
  });

  test("what one writer has written twice, not knowing better, is one entry", async () => {
    const connection = await places.place();
    const log = await open(connection);
    const [one, two] = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)];
    const written = [
      [one, 1],
      [one, 2],
      [two, 1],
      [one, 1],
      [one, 2],
      [one, 3],
    ] as const;
    const records = written.map(([writer, number]) =>
      recordOf(aRejection({ detail: `${writer[0]}/${number}` }), writer, number),
    );
    await send(connection, records);
    expect((await log.list(all)).map(({ detail }) => detail)).toEqual(["1/1", "1/2", "2/1", "1/3"]);
    expect((await log.totals()).open).toBe(4);
  });

  test("payloads of 16 MiB are kept byte for byte, between small ones and in order; what is larger is refused alone", async () => {
    const connection = await places.place();
    const log = await open(connection);
    const sizes = [1, 16 * mebibyte, 2, 16 * mebibyte, 3, 400_000, 400_000];
    const payloads = sizes.map((size, n) => Buffer.alloc(size, n + 1));
    const before = process.memoryUsage().rss;
    const outcomes = await Promise.allSettled([
      log.append(payloads.slice(0, 3).map((payload) => aRejection({ payload }))),
      log.append([aRejection({ payload: Buffer.alloc(19 * mebibyte) })]),
      log.append(payloads.slice(3).map((payload) => aRejection({ payload }))),
    ]);
    console.log(`rejected log: ${Math.round((process.memoryUsage().rss - before) / mebibyte)} MiB more for 52 MiB`);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(outcomes[1]).toMatchObject({ reason: { code: "log_append_failed", retryable: false } });
    const found = await log.list(all);
    expect(found.map(({ payload }) => payload.length)).toEqual(sizes);
    for (const [n, { payload }] of found.entries()) expect(Buffer.compare(payload, payloads[n] as Buffer)).toBe(0);
  });

  test("many small appends share writes", async () => {
    const connection = await places.place();
    const [log, ingest] = [await open(connection), appender(connection)];
    await ingest.append([aRejection()]);
    const before = performance.now();
    await Promise.all(Array.from({ length: 10_000 }, () => ingest.append([aRejection()])));
    const took = performance.now() - before;
    console.log(`rejected log: 10 000 appends ${Math.round(took)} ms`);
    expect((await log.totals()).open).toBe(10_001);
    expect(took).toBeLessThan(10_000);
  });

  test("a broker that is killed and comes back: append waits, nothing is lost and nothing counts twice", async () => {
    const connection = await places.place();
    const [log, ingest] = [await open(connection), appender(connection)];
    let begun = 0;
    let kept = 0;
    let goOn = true;
    const lanes = Array.from({ length: 20 }, async () => {
      while (goOn) {
        begun += 1;
        await ingest.append([aRejection({ detail: `${begun}` })]);
        kept += 1;
      }
    });
    await vi.waitFor(() => expect(kept).toBeGreaterThan(200), { timeout: 20_000 });
    await places.server.kill();
    await places.server.start();
    const atRestart = kept;
    await vi.waitFor(() => expect(kept).toBeGreaterThan(atRestart + 200), { timeout: 60_000 });
    goOn = false;
    await Promise.all(lanes);
    expect((await log.totals()).open).toBe(kept);
    const last = (await log.list({ limit: 100_000, includeReplayed: true })).map(({ detail }) => detail);
    expect(new Set(last).size).toBe(last.length);
  });

  test("a broker away for longer than a client tries: append resolves afterwards, and close ends in time without it", async () => {
    const connection = await places.place();
    const ingest = appender(connection);
    await ingest.append([aRejection()]);
    await places.server.kill();
    let failures = 0;
    const other = openKafkaRejectedAppender({
      connection,
      events: {
        ...events,
        writeFailed() {
          failures += 1;
        },
      },
    });
    const given = ingest.append([aRejection({ detail: "patient" })]);
    const lost = other.append([aRejection({ detail: "never acknowledged" })]).catch((error: unknown) => error);
    await vi.waitFor(() => expect(failures).toBeGreaterThan(0), { timeout: 60_000 });
    const before = performance.now();
    await other.close();
    expect(performance.now() - before).toBeLessThan(10_000);
    expect(await lost).toMatchObject({ code: "log_closed" });
    await places.server.start();
    await given;
    const log = await open(connection);
    expect((await log.list(all)).map(({ detail }) => detail)).toContain("patient");
  });
});
