// Goal: a broker in front loses nothing that we have not acknowledged. Method: a real Mosquitto, killed and restarted.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import type { BrokerEvents } from "@meterbook/adapters/mqtt-broker/broker-events";
import type { MqttBrokerOptions } from "@meterbook/adapters/mqtt-broker/mqtt-broker-source";
import { openMqttBrokerSource } from "@meterbook/adapters/mqtt-broker/mqtt-broker-source";
import { systemClock } from "@meterbook/core/ports/clock";
import type { MeterEndpoint, TakeMessage } from "@meterbook/core/ports/meter-endpoint";
import type { MqttClient } from "mqtt";
import mqtt from "mqtt";
import { afterAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { mosquittoServer } from "../support/servers/servers.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { heldTake, meterEndpointContract } from "./meter-endpoint.contract.ts";

const server = await mosquittoServer();
afterAll(() => server?.dispose());
const url = server?.url ?? "";
let worlds = 0;

function recorded() {
  const seen: { name: keyof BrokerEvents; facts: Record<string, unknown> }[] = [];
  const note =
    (name: keyof BrokerEvents) =>
    (facts: object = {}) =>
      void seen.push({ name, facts: { ...facts } });
  const events: BrokerEvents = {
    brokerConnected: note("brokerConnected"),
    brokerLost: note("brokerLost"),
    brokerRemarked: note("brokerRemarked"),
    retainedRepeated: note("retainedRepeated"),
    messagesTaken: note("messagesTaken"),
    messageFailed: note("messageFailed"),
    readingPaused: note("readingPaused"),
    packetTooLarge: async (facts) => note("packetTooLarge")(facts),
  };
  const of = (name: keyof BrokerEvents) => seen.filter((event) => event.name === name).map(({ facts }) => facts);
  return { events, of };
}

type Recorded = ReturnType<typeof recorded>;

function optionsOf({ events }: Pick<Recorded, "events">, over: Partial<MqttBrokerOptions> = {}): MqttBrokerOptions {
  worlds += 1;
  return {
    url,
    clientId: `source-${worlds}`,
    filters: [`w${worlds}/+/readings`],
    payloadBytesMax: 10_000,
    inFlightMessagesMax: 8,
    inFlightBytesMax: 1_000_000,
    holdBackMsMin: 30,
    holdBackMsMax: 100,
    events,
    clock: systemClock,
    ...over,
  };
}

async function opened(options: MqttBrokerOptions, take: TakeMessage = async () => undefined): Promise<MeterEndpoint> {
  const endpoint = await openMqttBrokerSource(options, take);
  onTestFinished(() => endpoint.close());
  return endpoint;
}

async function meter(options: mqtt.IClientOptions = {}, at = url): Promise<MqttClient> {
  const client = await mqtt.connectAsync(at, options);
  client.on("error", () => undefined);
  onTestFinished(() => client.endAsync(true));
  return client;
}

const textOf = ({ payload }: { readonly payload: Uint8Array }) => Buffer.from(payload).toString();
const topicOf = ({ filters: [filter = ""] }: MqttBrokerOptions, id = "m-1") =>
  filter.replace(/^\$share\/[^/]+\//, "").replace("+", id);
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `${from + i}`);
const remarks = ({ of }: Recorded) => of("brokerRemarked").map(({ code }) => code);

describe.skipIf(server === undefined).each(["5", "3.1.1"] as const)("the broker as a source, MQTT %s", (protocol) => {
  meterEndpointContract(async () => {
    const clean = await mqtt.connectAsync(url, { clientId: `contract-${protocol}`, clean: true });
    await clean.endAsync();
    const over = { clientId: `contract-${protocol}`, filters: ["meters/+/readings", "meters/+/readings/json"] };
    return {
      open: (take) => openMqttBrokerSource(optionsOf(recorded(), { ...over, protocol }), take),
      senderUrl: () => url,
    };
  });

  test("MQTT.js sends no PUBACK for an error and goes on: messages settle in any order and are acknowledged in theirs", async () => {
    const record = recorded();
    const options = optionsOf(record, { protocol });
    const held = heldTake();
    await opened(options, held.take);
    const client = await meter();
    for (const payload of ["a", "b", "c"]) await client.publishAsync(topicOf(options), payload, { qos: 1 });
    await vi.waitFor(() => expect(held.payloads).toEqual(["a", "b", "c"]));
    held.resolve("c");
    held.resolve("b");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(record.of("messagesTaken")).toEqual([]);
    held.resolve("a");
    await vi.waitFor(() => expect(record.of("messagesTaken")).toMatchObject([{ counts: { qos1: 3 } }]));
  });

  test("held for longer than the keepalive, the connection lives and everything arrives once", async () => {
    const record = recorded();
    const options = optionsOf(record, { protocol, keepaliveSeconds: 3 });
    const held = heldTake();
    await opened(options, held.take);
    const client = await meter();
    for (const payload of numbers(30)) client.publish(topicOf(options), payload, { qos: 1 });
    await vi.waitFor(() => expect(held.payloads).toHaveLength(8));
    // Longer than the broker waits, which is one and a half times the keepalive.
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    const resolving = setInterval(held.resolveAll, 5);
    await vi.waitFor(() => expect(held.payloads).toHaveLength(30), { timeout: 30_000 });
    clearInterval(resolving);
    held.resolveAll();
    expect(record.of("brokerLost")).toEqual([]);
    expect(held.payloads).toEqual(numbers(30));
  });

  test("a retained message is taken with a new session, and not again when we come back", async () => {
    const options = optionsOf(recorded(), { protocol });
    const client = await meter();
    await client.publishAsync(topicOf(options), "kept", { qos: 1, retain: true });
    const taken: string[] = [];
    const take: TakeMessage = async (message) => void taken.push(textOf(message));
    const first = await opened(options, take);
    await vi.waitFor(() => expect(taken).toEqual(["kept"]));
    await first.close();
    await opened(options, take);
    await client.publishAsync(topicOf(options), "next", { qos: 1, retain: true });
    await vi.waitFor(() => expect(taken).toEqual(["kept", "next"]));
    await client.publishAsync(topicOf(options), "", { retain: true });
  });
});

describe.skipIf(server === undefined)("a broker as the source", () => {
  test("what a meter is asked waits for it at the broker, until it is taken back", async () => {
    const options = optionsOf(recorded());
    const endpoint = await opened(options);
    const meterId = `asked-${options.clientId}`;
    const request = { meterId, json: Buffer.from("{}"), protobuf: Buffer.from("pb") };
    expect(endpoint.keepsRequests).toBe(true);
    expect(await endpoint.ask(request)).toBe("sent");
    const listening = async () => {
      const client = await meter();
      const messages: string[] = [];
      client.on("message", (on, payload) => void messages.push(`${on} ${payload}`));
      await client.subscribeAsync(`meters/${meterId}/requests/#`, { qos: 1 });
      return messages;
    };
    const first = await listening();
    const both = [`meters/${meterId}/requests {}`, `meters/${meterId}/requests/protobuf pb`];
    await vi.waitFor(() => expect(first.toSorted()).toEqual(both));
    expect(await endpoint.withdraw(meterId)).toBe("done");
    await vi.waitFor(() => expect(first.length).toBe(4));
    const later = await listening();
    expect(await endpoint.ask({ ...request, json: Buffer.from("[]") })).toBe("sent");
    await vi.waitFor(() => expect(later.toSorted()).toEqual([`meters/${meterId}/requests []`, both[1]]));
    await endpoint.close();
    expect(await endpoint.ask(request)).toBe("away");
  });

  test("QoS 0 and QoS 2 of a meter arrive and are counted", async () => {
    const record = recorded();
    const options = optionsOf(record);
    await opened(options);
    const client = await meter();
    for (const qos of [0, 1, 2] as const) await client.publishAsync(topicOf(options), `${qos}`, { qos });
    await vi.waitFor(() => {
      const counts = record.of("messagesTaken").map((facts) => facts["counts"] as { qos0: number; qos1: number });
      expect(counts.reduce((sum, { qos0 }) => sum + qos0, 0)).toBe(1);
      expect(counts.reduce((sum, { qos1 }) => sum + qos1, 0)).toBe(2);
    });
  });

  test("a message longer than allowed is reported with its beginning and acknowledged", async () => {
    const record = recorded();
    const options = optionsOf(record);
    await opened(options);
    const client = await meter();
    await client.publishAsync(topicOf(options), Buffer.alloc(20_000, 7), { qos: 1 });
    await vi.waitFor(() => expect(record.of("packetTooLarge")).toHaveLength(1));
    expect(record.of("packetTooLarge")).toMatchObject([{ declaredBytes: 20_000, firstBytes: Buffer.alloc(4096, 7) }]);
    await vi.waitFor(() => expect(record.of("messagesTaken")).toMatchObject([{ counts: { qos1: 1 } }]));
  });

  test("payload bytes in flight are bounded too", async () => {
    const record = recorded();
    const options = optionsOf(record, { inFlightMessagesMax: 1000, inFlightBytesMax: 40_000 });
    const held = heldTake();
    await opened(options, held.take);
    const client = await meter();
    for (let i = 0; i < 20; i += 1) client.publish(topicOf(options), Buffer.alloc(9_000), { qos: 1 });
    await vi.waitFor(() => expect(record.of("readingPaused")).toEqual([{ reason: "bytes_max" }]));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(held.messages).toHaveLength(5);
    held.resolveAll();
    await vi.waitFor(() => expect(held.messages.length).toBeGreaterThan(5));
    const resolving = setInterval(held.resolveAll, 5);
    await vi.waitFor(() => expect(held.messages).toHaveLength(20));
    clearInterval(resolving);
    held.resolveAll();
  });

  test("says what Mosquitto may lose, and that the session is new", async () => {
    const record = recorded();
    const options = optionsOf(record);
    const first = await opened(options);
    await vi.waitFor(() => expect(remarks(record)).toEqual(["session_new", "acknowledges_from_memory"]));
    await first.close();
    const second = recorded();
    await opened({ ...options, events: second.events });
    await vi.waitFor(() => expect(remarks(second)).toEqual(["acknowledges_from_memory"]));
  });

  test("says that Mosquitto forgets a shared subscription", async () => {
    const record = recorded();
    const options = optionsOf(record);
    await opened({ ...options, filters: options.filters.map((filter) => `$share/group/${filter}`) });
    await vi.waitFor(() => expect(remarks(record)).toContain("shared_subscription_forgotten"));
  });

  test("two processes with one client id are named", async () => {
    const record = recorded();
    const options = optionsOf(record, { holdBackMsMin: 300, holdBackMsMax: 400 });
    await opened(options);
    await opened(options);
    await vi.waitFor(() => expect(remarks(record)).toContain("client_id_shared"), { timeout: 30_000 });
    expect(record.of("brokerRemarked").at(-1)?.["detail"]).toContain("METERBOOK_MQTT_CLIENT_ID");
  });

  test("two with one client id under MQTT 3.1.1 are guessed from connections that end soon", async () => {
    const record = recorded();
    const options = optionsOf(record, { protocol: "3.1.1" });
    await opened(options);
    await opened(options);
    await vi.waitFor(() => expect(remarks(record)).toContain("client_id_shared"), { timeout: 30_000 });
  });

  test("a shared subscription divides messages among its members, each of which arrives once", async () => {
    const filters = ["$share/ingest/shared/+/readings"];
    const taken: [string[], string[]] = [[], []];
    for (const mine of taken)
      await opened(optionsOf(recorded(), { filters }), async (message) => void mine.push(textOf(message)));
    const client = await meter();
    for (const payload of numbers(100)) client.publish("shared/m-1/readings", payload, { qos: 1 });
    await vi.waitFor(() => expect(taken.flat()).toHaveLength(100));
    expect(new Set(taken.flat()).size).toBe(100);
    for (const mine of taken) expect(mine.length).toBeGreaterThan(10);
  });

  test("a broker that cannot be reached at the start is named", async () => {
    const options = optionsOf(recorded(), { url: "mqtt://127.0.0.1:1", startTimeoutMs: 3000 });
    await expect(openMqttBrokerSource(options, async () => undefined)).rejects.toThrow(
      /METERBOOK_MQTT_URL.*ECONNREFUSED/,
    );
  });
});

test("a connection that ends before the subscriptions are answered says nothing of them", async () => {
  const hangUpAtSubscribe = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", ([first]) => {
      if (first === 0x10) socket.write(Buffer.from([0x20, 3, 0, 0, 0]));
      else if (first === 0x82) socket.destroy();
    });
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void hangUpAtSubscribe.close());
  await once(hangUpAtSubscribe, "listening");
  const { port } = hangUpAtSubscribe.address() as AddressInfo;
  const record = recorded();
  const starting = openMqttBrokerSource(
    optionsOf(record, { url: `mqtt://127.0.0.1:${port}`, startTimeoutMs: 4000 }),
    async () => undefined,
  );
  await expect(starting).rejects.toThrow(/no answer in time/);
  expect(record.of("brokerLost").length).toBeGreaterThan(1);
  expect(record.of("brokerRemarked").filter(({ code }) => code === "qos_lowered")).toEqual([]);
});

describe.skipIf(server === undefined)("faults", () => {
  async function ownBroker(more = "") {
    const broker = await mosquittoServer(more);
    if (broker === undefined) throw new Error("was there a moment ago");
    onTestFinished(() => broker.dispose());
    return broker;
  }

  test("a broker that is stopped and started again is connected to again, and its session is still there", async () => {
    const broker = await ownBroker();
    const record = recorded();
    const options = optionsOf(record, { url: broker.url });
    const taken = new Set<string>();
    await opened(options, async (message) => void taken.add(textOf(message)));
    const before = await meter({}, broker.url);
    for (const payload of numbers(50)) await before.publishAsync(topicOf(options), payload, { qos: 1 });
    await vi.waitFor(() => expect(taken.size).toBe(50));
    await broker.stop();
    await vi.waitFor(() => expect(record.of("brokerLost").length).toBeGreaterThan(2));
    await broker.start();
    await vi.waitFor(
      () => expect(record.of("brokerConnected")).toEqual([{ sessionPresent: false }, { sessionPresent: true }]),
      { timeout: 20_000 },
    );
    const after = await meter({}, broker.url);
    for (const payload of numbers(50, 50)) await after.publishAsync(topicOf(options), payload, { qos: 1 });
    await vi.waitFor(() => expect(taken.size).toBe(100));
  });

  test("wrong credentials end the start with the broker's answer", async () => {
    const broker = await ownBroker("allow_anonymous false");
    await expect(
      openMqttBrokerSource(optionsOf(recorded(), { url: broker.url }), async () => undefined),
    ).rejects.toThrow(/METERBOOK_MQTT_URL.*Not authorized/);
  });

  test("killed with messages in the window, the next process gets all of them", async () => {
    const options = optionsOf(recorded(), { inFlightMessagesMax: 500 });
    const { clientId, filters } = options;
    const directory = await temporaryDirectory();
    const keptFile = join(directory, "kept");
    const run = (killAfter: number) => {
      const program = new URL("../support/processes/broker-source-process.ts", import.meta.url).pathname;
      const child = spawn(process.execPath, [program], {
        env: { ...process.env, SOURCE: JSON.stringify({ url, clientId, filters, killAfter, keptFile }) },
        stdio: ["ignore", "ignore", "inherit"],
      });
      onTestFinished(() => void child.kill("SIGKILL"));
      return child;
    };
    const missing = () => {
      const kept = new Set(readFileSync(keptFile, "utf8").split("\n"));
      return numbers(5000).filter((payload) => !kept.has(payload));
    };
    async function dies(killAfter: number): Promise<void> {
      await once(run(killAfter), "exit");
    }
    // Makes the session.
    const session = await openMqttBrokerSource(options, async () => undefined);
    await session.close();
    const client = await meter();
    const publishing = Promise.all(
      numbers(5000).map((payload) => client.publishAsync(topicOf(options), payload, { qos: 1 })),
    );
    await dies(1000);
    await dies(1500);
    await publishing;
    run(0);
    await vi.waitFor(() => expect(missing()).toEqual([]), { timeout: 30_000 });
  });
});
