import { expect, onTestFinished, test, vi } from "vitest";
import { type RawClient, raw, rawClient } from "../support/hostile/raw-mqtt.ts";
import { quietEndpoint } from "../support/network/quiet-endpoint.ts";

const topic = "meters/m-1/readings";

async function opened(over: { partialBytesMax?: number; packetMs?: number; connectTimeoutMs?: number } = {}) {
  const taken: string[] = [];
  const limits = { inFlightMessagesMax: 8, connectionsMax: 400, connectTimeoutMs: 5_000, closeTimeoutMs: 500, ...over };
  const endpoint = await quietEndpoint(limits, async ({ topic: to }) => void taken.push(to));
  async function client(connectFirst = true) {
    const one = await rawClient(endpoint.address);
    onTestFinished(() => void one.socket.destroy());
    if (connectFirst) {
      one.send(raw.connect());
      await one.take(4);
    }
    return one;
  }
  return { client, closed: endpoint.closed, refused: endpoint.refused, taken };
}

const text = (value: string | Buffer) => {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
};
/** A CONNECT with these flags and these fields after its keep-alive. */
const connect = (flags: number, ...fields: readonly Buffer[]) =>
  raw.packet(0x10, Buffer.concat([text("MQTT"), Buffer.from([4, flags, 0, 0]), ...fields]));
const surrogate = Buffer.from([0xed, 0xa0, 0x80]);
const id = text("c");

test.for<[string, Buffer, string]>([
  ["level 0x84", raw.connect({ level: 0x84 }), "20020001"],
  ["level 6", raw.connect({ level: 6 }), "20020001"],
  ["level 5", raw.connect({ level: 5 }), "20020001"],
  ["level 3 under the name of 3.1.1", raw.connect({ level: 3 }), "20020001"],
  ["a NUL in the client id", raw.connect({ clientId: "a\u0000b" }), "20020002"],
  ["a client id that is no UTF-8", connect(2, text(surrogate)), "20020002"],
  ["no client id, and a session to be kept", raw.connect({ clientId: "", flags: 0 }), "20020002"],
  ["another protocol's name", raw.connect({ name: "MQTX" }), ""],
  ["a protocol's name that every object inherits", raw.connect({ name: "constructor" }), ""],
  ["a password without a user name", connect(0x42, id, text("secret")), ""],
  ["a user name that is announced and missing", connect(0x82, id), ""],
  ["a user name with a NUL", connect(0x82, id, text("a\u0000")), ""],
  ["the reserved flag", connect(3, id), ""],
  ["a will of QoS 3", connect(0x1e, id, text(topic), text("x")), ""],
  ["the QoS of a will without a will", connect(0x0a, id), ""],
  ["a will that is kept without a will", connect(0x22, id), ""],
  ["a will without a topic", connect(6, id, text(""), text("x")), ""],
  ["a will to a wildcard", connect(6, id, text("meters/+/readings"), text("x")), ""],
  ["bytes after the end", connect(2, id, Buffer.from("more")), ""],
  ["flags in its first byte", raw.packet(0x11, Buffer.concat([text("MQTT"), Buffer.from([4, 2, 0, 0]), id])), ""],
  ["a length of five bytes", Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 1]), ""],
  ["more than a CONNECT may be", connect(6, id, text(topic), text("x".repeat(20_000))), ""],
])("H20: a CONNECT with %s is answered with %#", async ([, packet, expected]) => {
  const { client, refused } = await opened();
  const one = await client(false);
  one.send(packet);
  await one.closed;
  expect(one.untaken().toString("hex")).toBe(expected);
  await vi.waitFor(() => expect(refused).toHaveLength(1));
  if (expected === "") expect(refused).toEqual(["not_mqtt"]);
});

test.for<[string, Buffer]>([
  ["a second CONNECT", raw.connect()],
  ["a SUBSCRIBE without a filter", raw.packet(0x82, Buffer.from([0, 1]))],
  ["a SUBSCRIBE with packet id 0", raw.subscribe(0, "meters/m-1/requests")],
  ["a SUBSCRIBE with wrong flags", raw.packet(0x80, Buffer.concat([Buffer.from([0, 1]), text("a"), Buffer.from([0])]))],
  ["a SUBSCRIBE of QoS 3", raw.packet(0x82, Buffer.concat([Buffer.from([0, 1]), text("a"), Buffer.from([3])]))],
  ["a SUBSCRIBE that ends early", raw.packet(0x82, Buffer.concat([Buffer.from([0, 1]), text("a")]))],
  ["a filter with a NUL", raw.subscribe(1, "a\u0000")],
  ["an empty filter", raw.subscribe(1, "")],
  ["an UNSUBSCRIBE without a filter", raw.packet(0xa2, Buffer.from([0, 1]))],
  ["a PINGREQ with a body", Buffer.from([0xc0, 1, 0])],
  ["a PINGREQ with flags", Buffer.from([0xc1, 0])],
  ["a DISCONNECT with a body", Buffer.from([0xe0, 1, 0])],
  ["a packet of the server's", Buffer.from([0x20, 2, 0, 0])],
  ["a packet of type 0", Buffer.from([0, 0])],
  ["a packet of type 15", Buffer.from([0xf0, 0])],
  ["a PUBLISH of QoS 3", raw.publish(topic, "x", { qos: 3 })],
  ["a PUBLISH with packet id 0", raw.publish(topic, "x", { id: 0 })],
  ["a PUBLISH to a wildcard", raw.publish("meters/+/readings", "x")],
  ["a PUBLISH to a topic with a NUL", raw.publish("meters/\u0000/readings", "x")],
  ["a PUBLISH to a topic that is no UTF-8", raw.packet(0x30, Buffer.concat([text(surrogate), Buffer.from("x")]))],
  ["a PUBLISH without a topic", raw.publish("", "x")],
  ["a PUBREL with wrong flags", Buffer.from([0x60, 2, 0, 1])],
])("H20: %s closes the connection and is not taken", async ([, packet]) => {
  const { client, closed, taken } = await opened();
  const one = await client();
  one.send(packet);
  await one.closed;
  expect(one.untaken()).toHaveLength(0);
  expect(taken).toEqual([]);
  await vi.waitFor(() => expect(closed).toEqual(["packet_malformed"]));
});

test("C18: a will that is a report on the client's own topic is dropped, and the connection is opened", async () => {
  const { client, closed, taken } = await opened();
  const one = await client(false);
  one.send(connect(0x0e, id, text(topic), text('{"readings":[]}')));
  expect((await one.take(4)).toString("hex")).toBe("20020000");
  one.socket.destroy();
  await vi.waitFor(() => expect(closed).toEqual(["hung_up"]));
  expect(taken).toEqual([]);
});

/** A byte each so often. */
function trickle(client: RawClient, packet: Buffer, everyMs: number): void {
  const bytes = packet.values();
  const timer = setInterval(() => client.send(Buffer.from([bytes.next().value ?? 0])), everyMs);
  onTestFinished(() => clearInterval(timer));
}

test("H13: a packet that trickles in is cut off at its deadline, though bytes go on coming", async () => {
  const { client, closed } = await opened({ packetMs: 300 });
  const one = await client();
  const packet = raw.publish(topic, "x".repeat(100));
  one.send(packet.subarray(0, 20));
  trickle(one, packet.subarray(20), 20);
  await one.closed;
  await vi.waitFor(() => expect(closed).toEqual(["packet_stalled"]));
});

test("H13: a CONNECT that trickles in is cut off at its deadline", async () => {
  const { client, refused } = await opened({ connectTimeoutMs: 300 });
  const one = await client(false);
  const packet = raw.connect({ clientId: "x".repeat(200) });
  trickle(one, packet, 10);
  await one.closed;
  await vi.waitFor(() => expect(refused).toEqual(["connect_timeout"]));
});

test("H13: packets that have begun share one budget; the oldest are cut off, and who sends whole ones is served", async () => {
  const { client, closed } = await opened({ partialBytesMax: 1_000_000 });
  const honest = await client(false);
  honest.send(raw.connect({ clientId: "honest" }));
  await honest.take(4);
  const half = raw.publish(topic, Buffer.alloc(250_000)).subarray(0, 200_000);
  for (let n = 0; n < 10; n += 1) {
    const one = await client(false);
    one.send(raw.connect({ clientId: `hostile-${n}` }), half);
    await one.take(4);
  }
  await vi.waitFor(() => expect(closed.length).toBeGreaterThanOrEqual(6));
  expect(new Set(closed)).toEqual(new Set(["partial_packets"]));
  honest.send(raw.publish(topic, Buffer.alloc(200_000), { id: 7 }));
  expect((await honest.take(4)).toString("hex")).toBe("40020007");
});
