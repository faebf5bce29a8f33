import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { MeterEndpoint, MeterMessage, TakeMessage } from "@meterbook/core/ports/meter-endpoint";
import type { MqttClient } from "mqtt";
import mqtt from "mqtt";
import { expect, onTestFinished, test, vi } from "vitest";
import type { RawClient } from "../support/hostile/raw-mqtt.ts";
import { raw, rawClient } from "../support/hostile/raw-mqtt.ts";

/** Opens the endpoint under test on a free port, with at most 8 messages of a connection in flight. */
export type OpenEndpoint = (take: TakeMessage) => Promise<MeterEndpoint>;

/** A `take` whose promises the test settles, in any order. */
export interface HeldTake {
  readonly take: TakeMessage;
  /** The payloads in the order in which they were taken. */
  readonly payloads: string[];
  readonly messages: MeterMessage[];
  resolve(payload: string): void;
  resolveAll(): void;
  reject(payload: string, error: Error): void;
}

export function heldTake(): HeldTake {
  const waiting: { readonly payload: string; resolve(): void; reject(error: Error): void }[] = [];
  const find = (wanted: string) => waiting.find(({ payload }) => payload === wanted);
  const payloads: string[] = [];
  const messages: MeterMessage[] = [];
  return {
    take(message) {
      const payload = Buffer.from(message.payload).toString();
      payloads.push(payload);
      messages.push(message);
      return new Promise((resolve, reject) => void waiting.push({ payload, resolve, reject }));
    },
    payloads,
    messages,
    resolve: (payload) => find(payload)?.resolve(),
    resolveAll() {
      for (const { resolve } of waiting) resolve();
    },
    reject: (payload, error) => find(payload)?.reject(error),
  };
}

/** Connects and reads the CONNACK. */
export async function connected(
  endpoint: MeterEndpoint,
  options: Parameters<typeof raw.connect>[0] = {},
): Promise<RawClient> {
  const client = await rawClient(endpoint.address);
  onTestFinished(() => void client.socket.destroy());
  client.send(raw.connect(options));
  expect((await client.take(4)).toString("hex")).toBe("20020000");
  return client;
}

/** Whatever was to be answered has been answered before this. */
export async function ping(client: RawClient): Promise<void> {
  client.send(raw.ping());
  expect((await client.take(2)).toString("hex")).toBe("d000");
}

export async function mqttClient(endpoint: MeterEndpoint, options: mqtt.IClientOptions = {}): Promise<MqttClient> {
  const client = await mqtt.connectAsync(`mqtt://${endpoint.address}`, { reconnectPeriod: 0, ...options });
  client.on("error", () => undefined);
  onTestFinished(() => client.endAsync(true));
  return client;
}

const topic = "meters/m-1/readings";
const full = () => new AdapterError("log_full", { retryable: true });

/** The packet ids in a row of PUBACKs. */
export function ackedIds(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 4 }, (_, i) => {
    expect(bytes.subarray(4 * i, 4 * i + 2).toString("hex")).toBe("4002");
    return bytes.readUInt16BE(4 * i + 2);
  });
}

/** Where messages come from in a test of the port, over restarts of the endpoint. */
export interface EndpointWorld {
  /** Opens the endpoint with at most 8 messages in flight. Again: as after a restart, at the same place. */
  open(take: TakeMessage): Promise<MeterEndpoint>;
  /** Where a meter publishes: the endpoint, or the broker in front of it. Known once it was open. */
  senderUrl(): string;
}

/** What the port promises (packages/core/src/ports/meter-endpoint.ts). Every adapter runs it. */
export function meterEndpointContract(newWorld: () => Promise<EndpointWorld>): void {
  async function opened(world: EndpointWorld, taker: TakeMessage | HeldTake): Promise<MeterEndpoint> {
    const endpoint = await world.open(typeof taker === "function" ? taker : taker.take);
    onTestFinished(() => {
      if (typeof taker !== "function") taker.resolveAll();
      return endpoint.close();
    });
    return endpoint;
  }
  async function sender(world: EndpointWorld): Promise<MqttClient> {
    const client = await mqtt.connectAsync(world.senderUrl(), {
      reconnectPeriod: 20,
      clientId: `sender-${Date.now()}`,
    });
    client.on("error", () => undefined);
    onTestFinished(() => client.endAsync(true));
    return client;
  }
  /** Not awaited: whoever holds the messages back decides when they are through. */
  function publish(client: MqttClient, payloads: readonly string[]): void {
    for (const payload of payloads) client.publish(topic, payload, { qos: 1 }, () => undefined);
  }
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);

  test("every endpoint: topic, payload and time arrive as they came, in order", async () => {
    const world = await newWorld();
    const held = heldTake();
    await opened(world, held);
    const client = await sender(world);
    const before = Date.now();
    client.publish("meters/m-1/readings/json", Buffer.from([0, 255, 10]), { qos: 1 });
    publish(client, ["a", "b", "c"]);
    await vi.waitFor(() => expect(held.messages).toHaveLength(4));
    const [first] = held.messages;
    expect(first?.topic).toBe("meters/m-1/readings/json");
    expect([...(first?.payload ?? [])]).toEqual([0, 255, 10]);
    expect(first?.receivedAtMs).toBeGreaterThanOrEqual(before);
    expect(first?.receivedAtMs).toBeLessThanOrEqual(Date.now());
    expect(held.payloads.slice(1)).toEqual(["a", "b", "c"]);
  });

  test("every endpoint: what is not kept comes again until it is, with what came behind it, and not what came before", async () => {
    const world = await newWorld();
    const taken: string[] = [];
    let refusals = 2;
    await opened(world, async ({ payload }) => {
      const text = Buffer.from(payload).toString();
      if (text === "2" && refusals > 0) {
        refusals -= 1;
        throw full();
      }
      taken.push(text);
    });
    publish(await sender(world), numbers(5));
    await vi.waitFor(() => expect(taken.slice(-3)).toEqual(["2", "3", "4"]), { timeout: 10_000 });
    expect(taken.filter((payload) => payload < "2")).toEqual(["0", "1"]);
  });

  test("every endpoint: has a bounded number of messages in flight, and loses and repeats nothing where it slowed down", async () => {
    const world = await newWorld();
    const taken: string[] = [];
    let inFlight = 0;
    let inFlightMost = 0;
    await opened(world, async ({ payload }) => {
      inFlight += 1;
      inFlightMost = Math.max(inFlight, inFlightMost);
      taken.push(Buffer.from(payload).toString());
      await new Promise((resolve) => setTimeout(resolve, 1));
      inFlight -= 1;
    });
    publish(await sender(world), numbers(1000));
    await vi.waitFor(() => expect(taken).toHaveLength(1000), { timeout: 10_000 });
    expect(taken).toEqual(numbers(1000));
    expect(inFlightMost).toBe(8);
  });

  test("every endpoint: close waits for what is in flight; what was acknowledged never comes again, the rest comes to the next", async () => {
    const world = await newWorld();
    const held = heldTake();
    const endpoint = await opened(world, held);
    publish(await sender(world), numbers(20));
    await vi.waitFor(() => expect(held.payloads).toHaveLength(8));
    let closed = false;
    const closing = endpoint.close().then(() => {
      closed = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(closed).toBe(false);
    held.resolveAll();
    await closing;
    expect(held.payloads).toEqual(numbers(8));
    const taken: string[] = [];
    await opened(world, async ({ payload }) => void taken.push(Buffer.from(payload).toString()));
    await vi.waitFor(() => expect(taken.at(-1)).toBe("19"), { timeout: 10_000 });
    expect(taken).toEqual(numbers(20).slice(8));
  });

  test("every endpoint: closing twice is closing once", async () => {
    const endpoint = await opened(await newWorld(), async () => undefined);
    await Promise.all([endpoint.close(), endpoint.close()]);
    await endpoint.close();
  });
}

/** What an endpoint promises that meters are connected to, without a broker between. */
export function directEndpointContract(open: OpenEndpoint): void {
  async function opened(taker: TakeMessage | HeldTake): Promise<MeterEndpoint> {
    const endpoint = await open(typeof taker === "function" ? taker : taker.take);
    onTestFinished(() => {
      if (typeof taker !== "function") taker.resolveAll();
      return endpoint.close();
    });
    return endpoint;
  }

  test("hands over topic, payload, time and client id as they came", async () => {
    const held = heldTake();
    const endpoint = await opened(held);
    const client = await mqttClient(endpoint, { clientId: "concentrator 7/ä" });
    const before = Date.now();
    const publishing = client.publishAsync("meters/m-1/readings/json", Buffer.from([0, 255, 10]), { qos: 1 });
    await vi.waitFor(() => expect(held.messages).toHaveLength(1));
    const [message] = held.messages;
    expect(message).toMatchObject({ topic: "meters/m-1/readings/json", clientId: "concentrator 7/ä" });
    expect([...(message?.payload ?? [])]).toEqual([0, 255, 10]);
    expect(message?.receivedAtMs).toBeGreaterThanOrEqual(before);
    expect(message?.receivedAtMs).toBeLessThanOrEqual(Date.now());
    held.resolveAll();
    await publishing;
  });

  test("acknowledges after take has resolved, never before", async () => {
    const held = heldTake();
    const client = await connected(await opened(held));
    client.send(raw.publish(topic, "a", { id: 7 }));
    await ping(client);
    expect(held.payloads).toEqual(["a"]);
    expect(client.untaken()).toHaveLength(0);
    held.resolve("a");
    expect(ackedIds(await client.take(4))).toEqual([7]);
  });

  test("takes and acknowledges in the order of arrival, however take settles", async () => {
    const held = heldTake();
    const client = await connected(await opened(held));
    client.send(...["a", "b", "c", "d"].map((payload, i) => raw.publish(topic, payload, { id: 40 - i })));
    await ping(client);
    expect(held.payloads).toEqual(["a", "b", "c", "d"]);
    for (const payload of ["d", "b", "c"]) held.resolve(payload);
    await ping(client);
    expect(client.untaken()).toHaveLength(0);
    held.resolve("a");
    expect(ackedIds(await client.take(16))).toEqual([40, 39, 38, 37]);
  });

  test("what take rejects is not acknowledged, nor what came behind it; what came before is", async () => {
    const held = heldTake();
    const client = await connected(await opened(held));
    client.send(...["a", "b", "c"].map((payload, i) => raw.publish(topic, payload, { id: i + 1 })));
    await vi.waitFor(() => expect(held.payloads).toHaveLength(3));
    held.reject("b", full());
    held.resolve("c");
    held.resolve("a");
    await client.closed;
    expect(ackedIds(client.untaken())).toEqual([1]);
  });

  test("a client sends again what was not kept, and it is acknowledged then", async () => {
    let disk = "full";
    const taken: string[] = [];
    const endpoint = await opened(async ({ payload }) => {
      if (disk === "full") throw full();
      taken.push(Buffer.from(payload).toString());
    });
    const client = await mqttClient(endpoint, { reconnectPeriod: 10 });
    client.once("close", () => {
      disk = "roomy";
    });
    await client.publishAsync(topic, "a", { qos: 1 });
    expect(taken).toEqual(["a"]);
  });

  test("slows down a connection that sends faster than its messages are taken", async () => {
    const held = heldTake();
    const client = await connected(await opened(held));
    const mebibyte = Buffer.alloc(1024, "x");
    let written = 0;
    const packets = Buffer.concat(Array.from({ length: 64 }, (_, i) => raw.publish(topic, mebibyte, { id: i + 1 })));
    while (written < 512 && client.socket.write(packets)) written += 1;
    for (; written < 512; written += 1) client.socket.write(packets);
    await vi.waitFor(() => expect(held.messages).toHaveLength(8));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(held.messages).toHaveLength(8);
    // What the sender still has is what the receiver neither took nor buffered.
    expect(client.socket.writableLength).toBeGreaterThan(16 * 1024 * 1024);
  });

  test("goes on where it slowed down, and loses and repeats nothing", async () => {
    const taken: string[] = [];
    const client = await connected(
      await opened(async ({ payload }) => {
        taken.push(Buffer.from(payload).toString());
        await new Promise((resolve) => setImmediate(resolve));
      }),
    );
    const payloads = Array.from({ length: 5000 }, (_, i) => `${i}`);
    client.send(...payloads.map((payload, i) => raw.publish(topic, payload, { id: i + 1 })));
    expect(ackedIds(await client.take(20_000))).toEqual(payloads.map((_, i) => i + 1));
    expect(taken).toEqual(payloads);
  });

  test("one connection that waits does not hold up another", async () => {
    const held = heldTake();
    const endpoint = await opened(held);
    const [slow, quick] = [
      await connected(endpoint, { clientId: "slow" }),
      await connected(endpoint, { clientId: "quick" }),
    ];
    slow.send(raw.publish(topic, "slow"));
    await vi.waitFor(() => expect(held.payloads).toEqual(["slow"]));
    quick.send(raw.publish(topic, "quick"));
    await vi.waitFor(() => expect(held.payloads).toEqual(["slow", "quick"]));
    held.resolve("quick");
    expect(ackedIds(await quick.take(4))).toEqual([1]);
    expect(slow.untaken()).toHaveLength(0);
  });

  test("close takes nothing new, waits for what is in flight, acknowledges it and hangs up", async () => {
    const held = heldTake();
    const endpoint = await opened(held);
    const busy = await connected(endpoint, { clientId: "busy" });
    const idle = await connected(endpoint, { clientId: "idle" });
    busy.send(raw.publish(topic, "a", { id: 1 }), raw.publish(topic, "b", { id: 2 }));
    await vi.waitFor(() => expect(held.payloads).toHaveLength(2));
    let closed = false;
    const closing = endpoint.close().then(() => {
      closed = true;
    });
    busy.send(raw.publish(topic, "late", { id: 3 }));
    await idle.closed;
    await expect(rawClient(endpoint.address).then((late) => late.closed.then(() => "hung up"))).resolves.toBe(
      "hung up",
    );
    expect(closed).toBe(false);
    held.resolve("b");
    held.resolve("a");
    await busy.closed;
    await closing;
    expect(ackedIds(busy.untaken())).toEqual([1, 2]);
    expect(held.payloads).toEqual(["a", "b"]);
  });
}
