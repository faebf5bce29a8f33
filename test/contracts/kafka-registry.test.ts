import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { KafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import { type KafkaRegistryOptions, openKafkaRegistry } from "@meterbook/adapters/kafka/registry/kafka-registry";
import { topicOf } from "@meterbook/adapters/kafka/topics/kafka-topics";
import type { Damage } from "@meterbook/core/domain/damage/damage";
import type { RegistryChange } from "@meterbook/core/ports/registry";
import { encodeRegistryChange } from "@meterbook/core/records/registry-change-protobuf";
import type { Message } from "kafkajs";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { kafkaPlaces } from "../support/servers/kafka-place.ts";
import { kafkaIsThere } from "../support/servers/kafka-server.ts";
import { silentKafkaEvents as events } from "../support/servers/silent-kafka-events.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { outagesContract } from "./outages.contract.ts";
import { aRecord, type RegistryUnderTest, registryContract } from "./registry.contract.ts";

describe.skipIf(!kafkaIsThere())("on Kafka", { timeout: 120_000 }, () => {
  const places = kafkaPlaces();

  /** A process of its own, with a view of its own. */
  async function open(connection: KafkaConnection, over: Partial<KafkaRegistryOptions> = {}) {
    const dataDir = over.dataDir ?? (await temporaryDirectory());
    const registry = await openKafkaRegistry({ connection, events, ...over, dataDir });
    onTestFinished(() => registry.close().catch(() => undefined));
    return registry;
  }

  async function make(): Promise<RegistryUnderTest> {
    const connection = await places.place();
    return {
      open: (damaged = () => undefined) => open(connection, { damaged }),
      putBytes: (id, body) => {
        const writes = [{ entity: { kind: "meter", id } as const, base: null, body }];
        const change = encodeRegistryChange({ id: crypto.randomUUID(), recordedAtMs: 5, by: "", reason: "", writes });
        return send(connection, { key: id, value: change });
      },
    };
  }

  registryContract(make);
  outagesContract(make);

  async function send(connection: KafkaConnection, message: Message) {
    const producer = connection.client.producer();
    await producer.connect();
    await producer.send({ topic: topicOf(connection, "registry"), messages: [message] });
    await producer.disconnect();
  }

  /** Everything that a follower is given, newest last. */
  async function followed(registry: Awaited<ReturnType<typeof open>>) {
    const seen: RegistryChange[] = [];
    const asOf = await registry.newest();
    const subscription = await registry.follow(async (changes) => void seen.push(...changes), { asOf });
    onTestFinished(() => subscription.close());
    return seen;
  }

  test("two processes mean the same by a position, also after a view was deleted", async () => {
    const connection = await places.place();
    const dataDir = await temporaryDirectory();
    const [one, two] = [await open(connection, { dataDir }), await open(connection)];
    await Promise.all([one.put([aRecord("a"), aRecord("b"), aRecord("a", "up-1")]), two.put([aRecord("c")])]);
    await two.put([aRecord("b", "up-2")]);
    const theirs = await followed(two);
    const ours = await followed(one);
    expect(ours).toEqual(theirs);
    expect(ours.map(({ record }) => record?.usagePointId).sort()).toEqual(["c", "up-1", "up-2"]);
    await one.close();
    await rm(join(dataDir, "registry.view.db"));
    const again = await open(connection, { dataDir });
    expect(await followed(again)).toEqual(theirs);
  });

  test("100 000 records are put in some seconds, 1 000 at a time as an import does and all at once", async () => {
    const connection = await places.place();
    const registry = await open(connection);
    const count = 100_000;
    const records = Array.from({ length: count }, (_, n) => aRecord(`m-${n}`));
    const inOrder = performance.now();
    for (let first = 0; first < count; first += 1000) await registry.put(records.slice(first, first + 1000));
    const atOnce = performance.now();
    await registry.put(records);
    const rebuilt = performance.now();
    const another = await open(connection);
    const done = performance.now();
    const seconds = (from: number, to: number) => ((to - from) / 1000).toFixed(1);
    console.log(
      `registry, ${count} records: 1 000 at a time ${seconds(inOrder, atOnce)} s, at once ${seconds(atOnce, rebuilt)} s, ` +
        `a view of the ${2 * count} ${seconds(rebuilt, done)} s`,
    );
    expect((await another.list({ limit: 1, afterMeterId: "m-99998" })).map(({ meterId }) => meterId)).toEqual([
      "m-99999",
    ]);
    expect(await followed(another)).toHaveLength(count);
    expect(atOnce - inOrder).toBeLessThan(20_000);
  });

  test("a broker that is killed and comes back while records are put: nothing is lost, and all agree", async () => {
    const connection = await places.place();
    const [one, two] = [await open(connection), await open(connection)];
    const theirs = await followed(two);
    const newest = new Map<string, string>();
    let kept = 0;
    let goOn = true;
    const putting = (async () => {
      for (; goOn; kept += 1) {
        const record = aRecord(`m-${kept % 50}`, `up-${kept}`);
        await one.put([record]);
        newest.set(record.meterId, record.usagePointId);
      }
    })();
    await vi.waitFor(() => expect(kept).toBeGreaterThan(20), { timeout: 20_000 });
    await places.server.kill();
    await places.server.start();
    const atRestart = kept;
    await vi.waitFor(() => expect(kept).toBeGreaterThan(atRestart + 20), { timeout: 60_000 });
    goOn = false;
    await putting;
    for (const [meterId, usagePointId] of newest) expect((await one.get(meterId))?.usagePointId).toBe(usagePointId);
    await vi.waitFor(() => expect(theirs.at(-1)?.record?.usagePointId).toBe(`up-${kept - 1}`), { timeout: 20_000 });
    const latest = new Map(theirs.map((change) => [change.meterId, change]));
    expect([...latest.values()].sort((a, b) => a.position - b.position)).toEqual(await followed(one));
  });

  test("a broker away: a put says so in time, and what it was given is kept when the broker is back", async () => {
    const connection = await places.place();
    const registry = await open(connection, { putMsMax: 300 });
    await registry.put([aRecord("a")]);
    await places.server.kill();
    await expect(registry.put([aRecord("b")])).rejects.toMatchObject({ code: "log_append_failed", retryable: true });
    expect(await registry.get("a")).toEqual(aRecord("a"));
    await places.server.start();
    await vi.waitFor(async () => expect(await registry.get("b")).toEqual(aRecord("b")), { timeout: 60_000 });
  });

  test("H07: a record that cannot be read is told by its offset as it comes, and the view goes on past it", async () => {
    const connection = await places.place();
    const told: Damage[] = [];
    const registry = await open(connection, { damaged: (damage) => told.push(damage) });
    await send(connection, { key: "m-1", value: "nonsense" });
    await registry.put([aRecord("m-2")]);
    expect(told).toMatchObject([{ id: "registry:offset-0-m-1", where: "offset 0 m-1", meterId: "m-1", lost: null }]);
    await expect(registry.get("m-1")).rejects.toMatchObject({ code: "record_damaged" });
    expect(await registry.get("m-2")).toEqual(aRecord("m-2"));
  });
});
