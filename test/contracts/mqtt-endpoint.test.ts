import type { EndpointEvents } from "@meterbook/adapters/mqtt-endpoint/endpoint-events";
import type { MqttEndpointOptions } from "@meterbook/adapters/mqtt-endpoint/mqtt-endpoint";
import { openMqttEndpoint } from "@meterbook/adapters/mqtt-endpoint/mqtt-endpoint";
import { mqttEndpointMetrics } from "@meterbook/adapters/mqtt-endpoint/mqtt-endpoint-metrics";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { systemClock } from "@meterbook/core/ports/clock";
import type { MeterEndpoint, TakeMessage } from "@meterbook/core/ports/meter-endpoint";
import { Registry } from "prom-client";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { RawClient } from "../support/hostile/raw-mqtt.ts";
import { raw, rawClient } from "../support/hostile/raw-mqtt.ts";
import {
  ackedIds,
  connected,
  directEndpointContract,
  heldTake,
  meterEndpointContract,
  mqttClient,
  ping,
} from "./meter-endpoint.contract.ts";

const topic = "meters/m-1/readings";

/** Events as they were seen, `name` and facts. */
function recorded(over: Partial<EndpointEvents> = {}) {
  const seen: { name: keyof EndpointEvents; facts: Record<string, unknown> }[] = [];
  const note = (name: keyof EndpointEvents) => (facts: object) => void seen.push({ name, facts: { ...facts } });
  const events: EndpointEvents = {
    connectionOpened: note("connectionOpened"),
    connectionClosed: note("connectionClosed"),
    connectionRefused: note("connectionRefused"),
    messagesTaken: note("messagesTaken"),
    messageFailed: note("messageFailed"),
    retainIgnored: note("retainIgnored"),
    willIgnored: note("willIgnored"),
    filesTaken: note("filesTaken"),
    filesFailed: note("filesFailed"),
    subscriptionRefused: note("subscriptionRefused"),
    readingPaused: note("readingPaused"),
    packetTooLarge: async (facts) => note("packetTooLarge")(facts),
    ...over,
  };
  const of = (name: keyof EndpointEvents) => seen.filter((event) => event.name === name).map(({ facts }) => facts);
  return { events, of };
}

type Recorded = ReturnType<typeof recorded>;

function optionsOf({ events }: Recorded, over: Partial<MqttEndpointOptions>): MqttEndpointOptions {
  return {
    host: "127.0.0.1",
    port: 0,
    inFlightMessagesMax: 8,
    inFlightBytesMax: 1_000_000,
    connectionsMax: 400,
    connectTimeoutMs: 5_000,
    holdBackMsMin: 50,
    sweepEveryMs: 25,
    events,
    clock: systemClock,
    ...over,
  };
}

meterEndpointContract(async () => {
  let address = "127.0.0.1:0";
  return {
    async open(take) {
      const port = Number(address.split(":")[1]);
      const endpoint = await openMqttEndpoint(optionsOf(recorded(), { port }), take);
      address = endpoint.address;
      return endpoint;
    },
    senderUrl: () => `mqtt://${address}`,
  };
});
directEndpointContract((take) => openMqttEndpoint(optionsOf(recorded(), {}), take));

async function opened(
  over: Partial<MqttEndpointOptions> = {},
  take: TakeMessage = async () => undefined,
  record = recorded(),
): Promise<Recorded & { endpoint: MeterEndpoint }> {
  const endpoint = await openMqttEndpoint(optionsOf(record, { closeTimeoutMs: 500, ...over }), take);
  onTestFinished(() => endpoint.close());
  return { ...record, endpoint };
}

async function unconnected(endpoint: MeterEndpoint): Promise<RawClient> {
  const client = await rawClient(endpoint.address);
  onTestFinished(() => void client.socket.destroy());
  return client;
}

/** The first bytes of a PUBLISH that says it is `bodyBytes` long. */
function hugePublish(bodyBytes: number, payloadBytes: number): Buffer {
  const length = [0, 7, 14, 21].map((shift) => ((bodyBytes >> shift) & 127) | (shift < 21 ? 128 : 0));
  const body = Buffer.concat([Buffer.from([0, topic.length]), Buffer.from(topic), Buffer.from([0, 9])]);
  return Buffer.concat([Buffer.from([0x32, ...length]), body, Buffer.alloc(payloadBytes, 7)]);
}

describe("a message longer than allowed", () => {
  test("is reported with its beginning before it is buffered, then acknowledged, then the connection is closed", async () => {
    const reported = Promise.withResolvers<void>();
    const record = recorded();
    const { endpoint, of } = await opened({}, undefined, {
      ...record,
      events: {
        ...record.events,
        async packetTooLarge(facts) {
          await record.events.packetTooLarge(facts);
          await reported.promise;
        },
      },
    });
    const client = await connected(endpoint, { clientId: "c" });
    client.send(hugePublish(200_000_000, 10_000));
    await vi.waitFor(() => expect(of("packetTooLarge")).toHaveLength(1));
    const declaredBytes = 200_000_005;
    expect(of("packetTooLarge")).toEqual([{ clientId: "c", topic, declaredBytes, firstBytes: Buffer.alloc(4096, 7) }]);
    expect(client.untaken()).toHaveLength(0);
    reported.resolve();
    await client.closed;
    expect(ackedIds(client.untaken())).toEqual([9]);
    await vi.waitFor(() => expect(of("connectionClosed")).toEqual([{ clientId: "c", reason: "packet_too_large" }]));
  });

  test("is not acknowledged when the report fails", async () => {
    const full = new AdapterError("log_full", { retryable: true });
    const { endpoint, of } = await opened({}, undefined, recorded({ packetTooLarge: () => Promise.reject(full) }));
    const client = await connected(endpoint);
    client.send(hugePublish(300_000, 10_000));
    await client.closed;
    expect(client.untaken()).toHaveLength(0);
    expect(of("messageFailed")).toMatchObject([{ code: "log_full" }]);
  });

  test("ends well for a client that goes on sending, after what came before", async () => {
    const taken: number[] = [];
    const { endpoint, of } = await opened({}, async ({ payload }) => void taken.push(payload.length));
    const client = await mqttClient(endpoint);
    await Promise.all(
      [10, 262_144 - 27, 3_000_000].map((bytes) => client.publishAsync(topic, Buffer.alloc(bytes), { qos: 1 })),
    );
    expect(taken).toEqual([10, 262_144 - 27]);
    expect(of("packetTooLarge")).toHaveLength(1);
  });

  test("of another kind than PUBLISH is just cut off", async () => {
    const { endpoint, of } = await opened({ packetBytesMax: 1000 });
    const client = await connected(endpoint);
    client.send(raw.subscribe(1, "x".repeat(2000)));
    await client.closed;
    expect(of("connectionClosed")).toMatchObject([{ reason: "packet_malformed" }]);
  });
});

describe("qualities of service", () => {
  test("QoS 0 is taken, counted and not answered", async () => {
    const held = heldTake();
    const { endpoint, of } = await opened({}, held.take);
    const client = await connected(endpoint);
    client.send(raw.publish(topic, "a", { qos: 0 }), raw.publish(topic, "b", { id: 2 }));
    await vi.waitFor(() => expect(held.payloads).toEqual(["a", "b"]));
    held.resolveAll();
    expect(ackedIds(await client.take(4))).toEqual([2]);
    expect(of("messagesTaken")).toMatchObject([{ counts: { qos0: 1, qos1: 1, qos2: 0 }, bytes: 2 }]);
  });

  test("QoS 2 is as durable as QoS 1, and taken once however often it is sent before PUBREL", async () => {
    const held = heldTake();
    const { endpoint } = await opened({}, held.take);
    const client = await connected(endpoint);
    client.send(raw.publish(topic, "a", { qos: 2, id: 5 }), raw.publish(topic, "a", { qos: 2, id: 5, dup: true }));
    await ping(client);
    expect(held.payloads).toEqual(["a"]);
    expect(client.untaken()).toHaveLength(0);
    held.resolve("a");
    expect((await client.take(8)).toString("hex")).toBe("5002000550020005");
    client.send(raw.pubrel(5), raw.pubrel(5), raw.publish(topic, "b", { qos: 2, id: 5 }));
    expect((await client.take(8)).toString("hex")).toBe("7002000570020005");
    await vi.waitFor(() => expect(held.payloads).toEqual(["a", "b"]));
  });

  test("QoS 2 works with a client that knows it", async () => {
    const taken: string[] = [];
    const { endpoint } = await opened({}, async ({ payload }) => void taken.push(Buffer.from(payload).toString()));
    const client = await mqttClient(endpoint);
    await Promise.all(["a", "b", "c"].map((payload) => client.publishAsync(topic, payload, { qos: 2 })));
    expect(taken).toEqual(["a", "b", "c"]);
  });

  test("a client that never releases its QoS 2 messages is closed", async () => {
    const { endpoint, of } = await opened();
    const client = await connected(endpoint);
    client.send(...Array.from({ length: 1001 }, (_, i) => raw.publish(topic, "x", { qos: 2, id: i + 1 })));
    await client.closed;
    expect(of("connectionClosed")).toMatchObject([{ reason: "qos2_unreleased" }]);
  });
});

describe("what a meter needs no broker for", () => {
  test("retained messages are taken and not retained, wills are never published, both are counted", async () => {
    const held = heldTake();
    const { endpoint, of } = await opened({}, held.take);
    const will = { topic, payload: Buffer.from("will"), qos: 1 as const, retain: true };
    const client = await mqttClient(endpoint, { clientId: "c", will });
    client.publish("meters/m-1/requests", "kept?", { qos: 1, retain: true });
    await vi.waitFor(() => expect(held.payloads).toEqual(["kept?"]));
    held.resolveAll();
    client.stream.destroy();
    const reader = await connected(endpoint, { clientId: "reader" });
    reader.send(raw.subscribe(1, "meters/m-1/requests"));
    expect((await reader.take(5)).toString("hex")).toBe("9003000101");
    await vi.waitFor(() => expect(of("connectionClosed")).toEqual([{ clientId: "c", reason: "hung_up" }]));
    await ping(reader);
    expect(held.payloads).toEqual(["kept?"]);
    expect(of("retainIgnored")).toEqual([{ clientId: "c" }]);
    expect(of("willIgnored")).toEqual([{ clientId: "c" }]);
  });

  test("topics that are none of a meter's are handed over too: the intake refuses and keeps them", async () => {
    const held = heldTake();
    const { endpoint } = await opened({}, held.take);
    const topics = [
      "$SYS/broker",
      "x",
      `${"a/".repeat(200)}b`,
      "meters//readings",
      "meters/ä \u{1F4A1}/readings",
      "\uFFFD",
    ];
    const client = await connected(endpoint);
    client.send(...topics.map((each, i) => raw.publish(each, `${i}`, { id: i + 1 })));
    await vi.waitFor(() => expect(held.messages.map((message) => message.topic)).toEqual(topics));
  });

  test.for([
    { topic: "meters/m-1/requests", granted: "01" },
    { topic: "meters/m-2.x_y-z/requests", granted: "01" },
    { topic: "meters/m-1/requests/protobuf", granted: "01" },
    { topic: "meters/+/requests", granted: "80" },
    { topic: "meters/#", granted: "80" },
    { topic: "#", granted: "80" },
    { topic: "$SYS/#", granted: "80" },
    { topic: "meters/m-1/readings", granted: "80" },
    { topic: "meters/m-1/requests/x", granted: "80" },
    { topic: "meters/.m/requests", granted: "80" },
    { topic: "$share/g/meters/m-1/requests", granted: "80" },
  ])("a subscription to $topic gets 0x$granted", async ({ topic: wanted, granted }) => {
    const { endpoint, of } = await opened();
    const client = await connected(endpoint, { clientId: "c" });
    client.send(raw.subscribe(1, wanted));
    expect((await client.take(5)).toString("hex")).toBe(`90030001${granted}`);
    expect(of("subscriptionRefused")).toEqual(granted === "80" ? [{ clientId: "c", topic: wanted }] : []);
  });

  test("who listens is asked, in the form that it listens to, and nobody else", async () => {
    const began: string[] = [];
    const { endpoint } = await opened({ listening: (meterId) => void began.push(meterId) });
    const request = { meterId: "m-1", json: Buffer.from("{}"), protobuf: Buffer.from("pb") };
    expect(await endpoint.ask(request)).toBe("nobody");
    const asked = async (wanted: string) => {
      const client = await mqttClient(endpoint);
      const messages: string[] = [];
      client.on("message", (on, payload) => void messages.push(`${on} ${payload}`));
      await client.subscribeAsync(wanted, { qos: 1 });
      return { client, messages };
    };
    const json = await asked("meters/m-1/requests");
    const packed = await asked("meters/m-1/requests/protobuf");
    const other = await asked("meters/m-2/requests");
    await vi.waitFor(() => expect(began).toEqual(["m-1", "m-1", "m-2"]));
    expect(await endpoint.ask(request)).toBe("sent");
    await vi.waitFor(() => expect(json.messages).toEqual(["meters/m-1/requests {}"]));
    await vi.waitFor(() => expect(packed.messages).toEqual(["meters/m-1/requests/protobuf pb"]));
    expect(other.messages).toEqual([]);
    await json.client.unsubscribeAsync("meters/m-1/requests");
    packed.client.stream.destroy();
    await vi.waitFor(async () => expect(await endpoint.ask(request)).toBe("nobody"));
    expect(json.messages.length).toBe(1);
  });

  test("a meter that acknowledges no request is asked again all the same, and reports as before", async () => {
    const held = heldTake();
    const { endpoint } = await opened({}, held.take);
    const client = await connected(endpoint);
    client.send(raw.subscribe(1, "meters/m-1/requests"));
    await client.take(5);
    const request = { meterId: "m-1", json: Buffer.alloc(300, "x"), protobuf: Buffer.alloc(0) };
    await vi.waitFor(async () => expect(await endpoint.ask(request)).toBe("sent"));
    for (let n = 0; n < 200; n += 1) await endpoint.ask(request);
    client.send(raw.publish("meters/m-1/readings", "still here"));
    await vi.waitFor(() => expect(held.payloads).toEqual(["still here"]));
    // A PUBLISH of 300 bytes: header, length, topic and packet id are 26 more.
    await client.take(201 * 326);
  });

  test("no session outlives its connection", async () => {
    const { endpoint } = await opened();
    const first = await connected(endpoint, { clientId: "c", flags: 0 });
    first.send(raw.subscribe(1, "meters/m-1/requests"));
    await first.take(5);
    first.send(raw.disconnect());
    await first.closed;
    await connected(endpoint, { clientId: "c", flags: 0 });
  });
});

describe("what is not MQTT 3.1.1", () => {
  const malformed = [
    { case: "a topic with a wildcard", bytes: raw.publish("meters/+/readings", "x") },
    { case: "no topic", bytes: raw.publish("", "x") },
    { case: "a packet id of 0", bytes: raw.publish(topic, "x", { id: 0 }) },
    { case: "QoS 3", bytes: raw.publish(topic, "x", { qos: 3 }) },
    { case: "a topic that is not UTF-8", bytes: raw.packet(0x30, Buffer.from([0, 2, 0xc3, 0x28])) },
    { case: "NUL in a topic", bytes: raw.publish("a\u0000b", "x") },
    { case: "a topic longer than its packet", bytes: raw.packet(0x30, Buffer.from([0, 9, 65])) },
    { case: "a length of five bytes", bytes: Buffer.from([0x32, 255, 255, 255, 255, 1]) },
    { case: "PUBREL with wrong flags", bytes: raw.packet(0x60, Buffer.from([0, 1])) },
  ];

  test.for(malformed)("$case closes the connection, after what came before is taken", async ({ bytes }) => {
    const taken: string[] = [];
    const { endpoint, of } = await opened({}, async ({ payload }) => void taken.push(Buffer.from(payload).toString()));
    const client = await connected(endpoint, { clientId: "c" });
    client.send(raw.publish(topic, "before"), bytes, raw.publish(topic, "after"));
    await client.closed;
    await vi.waitFor(() => expect(of("connectionClosed")).toEqual([{ clientId: "c", reason: "packet_malformed" }]));
    expect(taken).toEqual(["before"]);
  });

  test.for([
    { case: "HTTP", bytes: Buffer.from("GET / HTTP/1.1\r\nHost: meters\r\n\r\n") },
    { case: "PUBLISH first", bytes: raw.publish(topic, "x") },
    { case: "PUBREL first", bytes: raw.pubrel(1) },
    { case: "a huge PUBLISH first", bytes: hugePublish(1_000_000, 6_000) },
    { case: "a protocol of another name", bytes: raw.connect({ name: "MQTX" }) },
    { case: "a CONNECT that is cut short", bytes: raw.packet(0x10, Buffer.from([0, 4, 77, 81, 84, 84, 4])) },
  ])("$case is refused", async ({ bytes }) => {
    const taken = vi.fn(async () => undefined);
    const { endpoint, of } = await opened({}, taken);
    const client = await unconnected(endpoint);
    client.send(bytes);
    await client.closed;
    await vi.waitFor(() => expect(of("connectionRefused")).toEqual([{ reason: "not_mqtt" }]));
    expect(taken).not.toHaveBeenCalled();
    expect(of("packetTooLarge")).toEqual([]);
  });

  test("a second CONNECT closes the connection", async () => {
    const { endpoint, of } = await opened();
    const client = await connected(endpoint);
    client.send(raw.connect());
    await client.closed;
    await vi.waitFor(() => expect(of("connectionClosed")).toHaveLength(1));
  });

  test("a client of MQTT 5 is told which versions there are", async () => {
    const { endpoint, of } = await opened();
    const client = await unconnected(endpoint);
    client.send(raw.connect({ level: 5 }));
    await client.closed;
    expect(client.untaken().toString("hex")).toBe("20020001");
    await expect(mqttClient(endpoint, { protocolVersion: 5 })).rejects.toThrow("Unacceptable protocol version");
    await vi.waitFor(() => expect(of("connectionRefused")).toEqual(Array(2).fill({ reason: "protocol_version" })));
  });

  test("a client of MQTT 3.1 is welcome", async () => {
    const { endpoint } = await opened();
    const client = await mqttClient(endpoint, { protocolId: "MQIsdp", protocolVersion: 3, clientId: "old" });
    await client.publishAsync(topic, "x", { qos: 1 });
  });
});

describe("client ids", () => {
  test.for(["", "__proto__", "constructor", "with space/and#", "x".repeat(256)])(
    "'%s' is free to use",
    async (clientId) => {
      const { endpoint } = await opened();
      const client = await connected(endpoint, { clientId });
      client.send(raw.publish(topic, "x"));
      expect(ackedIds(await client.take(4))).toEqual([1]);
    },
  );

  test("one that is too long is rejected", async () => {
    const { endpoint, of } = await opened();
    const client = await unconnected(endpoint);
    client.send(raw.connect({ clientId: "x".repeat(257) }));
    await client.closed;
    expect(client.untaken().toString("hex")).toBe("20020002");
    await vi.waitFor(() => expect(of("connectionRefused")).toEqual([{ reason: "client_id" }]));
  });

  test("the same again takes over: nothing of the old one is lost, and only the new one is acknowledged", async () => {
    const held = heldTake();
    const { endpoint, of } = await opened({}, held.take);
    const old = await connected(endpoint, { clientId: "c" });
    old.send(raw.publish(topic, "a", { id: 1 }));
    await vi.waitFor(() => expect(held.payloads).toEqual(["a"]));
    const young = await connected(endpoint, { clientId: "c" });
    await old.closed;
    young.send(raw.publish(topic, "b", { id: 2 }));
    await vi.waitFor(() => expect(held.payloads).toEqual(["a", "b"]));
    held.resolve("a");
    await ping(young);
    expect(young.untaken()).toHaveLength(0);
    held.resolve("b");
    expect(ackedIds(await young.take(4))).toEqual([2]);
    expect(old.untaken()).toHaveLength(0);
    expect(of("connectionClosed")).toEqual([{ clientId: "c", reason: "taken_over" }]);
  });
});

describe("limits", () => {
  test("a silent client is closed after one and a half times its keepalive, one that publishes is not", async () => {
    const { endpoint, of } = await opened();
    const silent = await connected(endpoint, { clientId: "silent", keepaliveSeconds: 1 });
    const busy = await connected(endpoint, { clientId: "busy", keepaliveSeconds: 1 });
    const sinceMs = performance.now();
    const publishing = setInterval(() => busy.send(raw.publish(topic, "x", { qos: 0 })), 200);
    onTestFinished(() => clearInterval(publishing));
    await silent.closed;
    expect(performance.now() - sinceMs).toBeGreaterThan(1_490);
    await ping(busy);
    expect(of("connectionClosed")).toEqual([{ clientId: "silent", reason: "keepalive_timeout" }]);
  });

  test("a client that reported while the process stood still is not taken for silent", async () => {
    const { endpoint, of } = await opened();
    const busy = await connected(endpoint, { clientId: "busy", keepaliveSeconds: 1 });
    const silent = await connected(endpoint, { clientId: "silent", keepaliveSeconds: 1 });
    const other = await connected(endpoint, { clientId: "other" });
    // Sweeps have seen that both are silent.
    await new Promise((resolve) => setTimeout(resolve, 200));
    // Where it stands still while it reads, timers come before what arrives meanwhile.
    await ping(other);
    busy.send(raw.publish(topic, "x"));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
    expect(ackedIds(await busy.take(4))).toEqual([1]);
    await silent.closed;
    await ping(busy);
    expect(of("connectionClosed")).toEqual([{ clientId: "silent", reason: "keepalive_timeout" }]);
  });

  test("a client that does not connect is refused", async () => {
    const { endpoint, of } = await opened({ connectTimeoutMs: 100 });
    const [mute, slow] = [await unconnected(endpoint), await unconnected(endpoint)];
    slow.send(raw.connect().subarray(0, 5));
    await Promise.all([mute.closed, slow.closed]);
    await vi.waitFor(() => expect(of("connectionRefused")).toEqual(Array(2).fill({ reason: "connect_timeout" })));
  });

  test("connections above the limit are refused when they are accepted, and there is room again later", async () => {
    const { endpoint, of } = await opened({ connectionsMax: 2 });
    const first = await connected(endpoint, { clientId: "1" });
    await connected(endpoint, { clientId: "2" });
    await (await unconnected(endpoint)).closed;
    expect(of("connectionRefused")).toEqual([{ reason: "connections_max" }]);
    first.send(raw.disconnect());
    await vi.waitFor(() => expect(of("connectionClosed")).toEqual([{ clientId: "1", reason: "disconnected" }]));
    await connected(endpoint, { clientId: "3" });
  });

  /** Far more answers than the kernel keeps: 2 000 000 PUBACKs and 20 000 PINGRESPs. */
  const askingBatch = Buffer.concat([
    ...Array.from({ length: 100 }, () => Buffer.alloc(100 * 7, raw.publish("x", ""))),
    ...Array.from({ length: 100 }, raw.ping),
  ]);
  const askingBatches = 200;
  const answerBytes = askingBatches * (10_000 * 4 + 100 * 2);

  /** Sends it all from a client that does not read. */
  async function deafClient(over: Partial<MqttEndpointOptions>) {
    let takenCount = 0;
    const record = recorded({
      messagesTaken({ counts }) {
        takenCount += counts.qos1;
      },
    });
    const { endpoint, of } = await opened({ inFlightMessagesMax: 100, ...over }, undefined, record);
    const client = await connected(endpoint, { clientId: "deaf" });
    client.socket.pause();
    for (let i = 0; i < askingBatches; i += 1) client.socket.write(askingBatch);
    return { endpoint, of, client, taken: () => takenCount };
  }

  test("a client that does not read its answers is not buffered for, and closed after a while", async () => {
    const { endpoint, of, taken } = await deafClient({ writeTimeoutMs: 500 });
    const closed = [{ clientId: "deaf", reason: "not_reading" }];
    await vi.waitFor(() => expect(of("connectionClosed")).toEqual(closed), 25_000);
    expect(taken()).toBeLessThan(askingBatches * 10_000);
    const other = await connected(endpoint, { clientId: "other" });
    other.send(raw.publish(topic, "x"));
    expect(ackedIds(await other.take(4))).toEqual([1]);
  });

  test("a client that reads late gets every answer", async () => {
    const { client, taken } = await deafClient({});
    let before = -1;
    function stands(): boolean {
      const still = before === taken();
      before = taken();
      return still;
    }
    await vi.waitUntil(stands, { timeout: 20_000, interval: 200 });
    expect(taken()).toBeLessThan(askingBatches * 10_000);
    let bytes = 0;
    client.socket.removeAllListeners("data");
    client.socket.on("data", (chunk) => {
      bytes += chunk.length;
    });
    client.socket.resume();
    await vi.waitFor(() => expect(bytes).toBe(answerBytes), 25_000);
  });

  test("payloads of all connections together are limited, and reading goes on below half", async () => {
    const held = heldTake();
    const { endpoint, of } = await opened({ inFlightBytesMax: 100_000 }, held.take);
    const clients = await Promise.all(Array.from({ length: 5 }, (_, i) => connected(endpoint, { clientId: `${i}` })));
    for (const [i, client] of clients.entries()) client.send(raw.publish(topic, Buffer.alloc(40_000, `${i}`)));
    await vi.waitFor(() => expect(of("readingPaused")).toEqual([{ reason: "bytes_max" }]));
    const late = await unconnected(endpoint);
    late.send(raw.connect({ clientId: "late" }));
    expect(held.messages).toHaveLength(3);
    held.resolve(held.payloads[0] ?? "");
    expect(ackedIds((await clients[Number(held.messages[0]?.clientId)]?.take(4)) ?? Buffer.alloc(0))).toEqual([1]);
    expect(held.messages).toHaveLength(3);
    expect(late.untaken()).toHaveLength(0);
    held.resolve(held.payloads[1] ?? "");
    await vi.waitFor(() => expect(held.messages).toHaveLength(5));
    held.resolveAll();
    for (const [i, client] of clients.entries()) {
      if (held.messages[0]?.clientId !== `${i}`) expect(ackedIds(await client.take(4))).toEqual([1]);
    }
    expect((await late.take(4)).toString("hex")).toBe("20020000");
  });

  test("where the limit is always reached, it is kept, and everybody gets a turn", async () => {
    const taken = new Map<string, number>();
    let inFlight = 0;
    let inFlightMost = 0;
    const { endpoint } = await opened({ inFlightBytesMax: 20_000 }, async ({ clientId }) => {
      taken.set(clientId, (taken.get(clientId) ?? 0) + 1);
      inFlight += 1;
      inFlightMost = Math.max(inFlightMost, inFlight);
      await new Promise((resolve) => setImmediate(resolve));
      inFlight -= 1;
    });
    const clients = await Promise.all(Array.from({ length: 20 }, (_, i) => connected(endpoint, { clientId: `${i}` })));
    const publishes = Buffer.concat(
      Array.from({ length: 2000 }, (_, i) => raw.publish(topic, Buffer.alloc(10_000), { id: i + 1 })),
    );
    for (const client of clients) client.socket.write(publishes);
    await vi.waitUntil(() => (taken.get("0") ?? 0) >= 200, { timeout: 20_000 });
    // The message with which the limit is exceeded is taken.
    expect(inFlightMost).toBe(3);
    expect(Math.min(...clients.map((_, i) => taken.get(`${i}`) ?? 0))).toBeGreaterThan(50);
  });

  test("a client whose message cannot be kept is held back, unread, as long as the trouble lasts", async () => {
    let tries = 0;
    const take = async () => {
      tries += 1;
      throw new AdapterError("log_full", { retryable: true });
    };
    const random = () => 0;
    const { endpoint, of } = await opened({ holdBackMsMin: 200, holdBackMsMax: 600, random }, take);
    const heldMs: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      const client = await connected(endpoint, { clientId: `${i}` });
      const sinceMs = performance.now();
      client.send(raw.publish(topic, "a"));
      await vi.waitFor(() => expect(of("messageFailed")).toHaveLength(i + 1));
      client.send(raw.publish(topic, "b", { id: 2 }), raw.ping());
      await client.closed;
      heldMs.push(performance.now() - sinceMs);
      expect(client.untaken()).toHaveLength(0);
    }
    expect(tries).toBe(4);
    expect(heldMs[0]).toBeGreaterThan(195);
    expect(heldMs[3]).toBeGreaterThan(450);
    expect(of("messageFailed")[0]).toMatchObject({ clientId: "0", code: "log_full" });
    await vi.waitFor(() => expect(of("connectionClosed")).toHaveLength(4));
    expect(of("connectionClosed").map(({ reason }) => reason)).toEqual(Array(4).fill("message_not_kept"));
  });

  test("hundreds of connections, each acknowledged its own", async () => {
    const { endpoint, of } = await opened({}, () => new Promise((resolve) => setImmediate(resolve)));
    const clients = await Promise.all(
      Array.from({ length: 300 }, (_, i) => connected(endpoint, { clientId: `m-${i}` })),
    );
    for (const [i, client] of clients.entries()) client.send(raw.publish(`meters/m-${i}/readings`, "x", { id: i + 1 }));
    for (const [i, client] of clients.entries()) expect(ackedIds(await client.take(4))).toEqual([i + 1]);
    await endpoint.close();
    expect(of("connectionOpened")).toHaveLength(300);
    expect(of("connectionClosed").map(({ reason }) => reason)).toEqual(Array(300).fill("endpoint_closed"));
  });
});

describe("opening and closing", () => {
  test("a port that is taken is an adapter error", async () => {
    const { endpoint } = await opened();
    const port = Number(endpoint.address.split(":")[1]);
    await expect(opened({ port })).rejects.toMatchObject({
      name: "AdapterError",
      code: "endpoint_failed",
      retryable: false,
    });
  });

  test("an address of IPv6 is written so that a URL takes it", async () => {
    const { endpoint } = await opened({ host: "::1" });
    expect(endpoint.address).toMatch(/^\[::1\]:\d+$/);
  });

  test("close does not wait for ever for what is never kept", async () => {
    const { endpoint, of } = await opened({ closeTimeoutMs: 100 }, () => new Promise(() => undefined));
    const client = await connected(endpoint, { clientId: "c" });
    client.send(raw.publish(topic, "x"));
    await ping(client);
    await endpoint.close();
    await client.closed;
    expect(client.untaken()).toHaveLength(0);
    await vi.waitFor(() => expect(of("connectionClosed")).toEqual([{ clientId: "c", reason: "endpoint_closed" }]));
  });

  test("close waits for messages whose connection is gone", async () => {
    const held = heldTake();
    const { endpoint, of } = await opened({ closeTimeoutMs: 5_000 }, held.take);
    const client = await connected(endpoint);
    client.send(raw.publish(topic, "x"));
    await vi.waitFor(() => expect(held.payloads).toEqual(["x"]));
    client.socket.destroy();
    await vi.waitFor(() => expect(of("connectionClosed")).toHaveLength(1));
    const order: string[] = [];
    const closing = endpoint.close().then(() => order.push("closed"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    order.push("kept");
    held.resolve("x");
    await closing;
    expect(order).toEqual(["kept", "closed"]);
  });

  test("a client that hangs up in the middle of everything leaves nothing behind", async () => {
    const held = heldTake();
    const { endpoint, of } = await opened({}, held.take);
    const client = await connected(endpoint, { clientId: "c" });
    client.send(raw.publish(topic, "a", { id: 1 }), raw.publish(topic, "b", { id: 2 }).subarray(0, 10));
    await vi.waitFor(() => expect(held.payloads).toEqual(["a"]));
    client.socket.resetAndDestroy();
    await vi.waitFor(() => expect(of("connectionClosed")).toEqual([{ clientId: "c", reason: "hung_up" }]));
    held.resolveAll();
    await vi.waitFor(() => expect(of("messagesTaken")).toHaveLength(1));
    await endpoint.close();
  });
});

test("metrics count what happened", async () => {
  const registry = new Registry();
  const { packetTooLarge } = recorded().events;
  const events = mqttEndpointMetrics(
    registry,
    { info: () => undefined, warn: () => undefined, error: () => undefined },
    { packetTooLarge },
  );
  const { endpoint } = await opened({}, undefined, { ...recorded(), events });
  const client = await connected(endpoint);
  client.send(raw.publish(topic, "abc", { retain: true }), raw.publish(topic, "", { qos: 0 }), raw.subscribe(2, "#"));
  await client.take(9);
  client.send(hugePublish(300_000, 5_000));
  await client.closed;
  await endpoint.close();
  const text = await registry.metrics();
  for (const line of [
    'meterbook_mqtt_messages_total{qos="0"} 1',
    'meterbook_mqtt_messages_total{qos="1"} 2',
    "meterbook_mqtt_payload_bytes_total 4099",
    "meterbook_mqtt_connections 0",
    'meterbook_mqtt_connections_closed_total{reason="packet_too_large"} 1',
    'meterbook_mqtt_ignored_total{what="retain"} 1',
    'meterbook_mqtt_ignored_total{what="subscription"} 1',
    "meterbook_mqtt_packets_too_large_total 1",
  ]) {
    expect(text).toContain(line);
  }
});

test("H10: who has no room in the rejected log gets no PUBACK, waits and is hung up on; others are served meanwhile", async () => {
  const full = new AdapterError("rejected_full", { retryable: true });
  const { endpoint, of } = await opened({ holdBackMsMax: 400, random: () => 0 }, async ({ clientId }) => {
    if (clientId === "filler") throw full;
  });
  const filler = await connected(endpoint, { clientId: "filler" });
  const honest = await connected(endpoint, { clientId: "honest" });
  const before = performance.now();
  filler.send(raw.publish(topic, "refused", { id: 1 }), raw.publish(topic, "another", { id: 2 }));
  for (let id = 1; id <= 20; id += 1) {
    honest.send(raw.publish(topic, "x", { id }));
    expect(ackedIds(await honest.take(4))).toEqual([id]);
  }
  await filler.closed;
  expect(performance.now() - before).toBeGreaterThan(390);
  expect(filler.untaken()).toHaveLength(0);
  expect(honest.socket.destroyed).toBe(false);
  await vi.waitFor(() => expect(of("connectionClosed")).toEqual([{ clientId: "filler", reason: "rejected_full" }]));
});
