import { type Done, type FloodTarget, opened } from "./hostile-flood.ts";
import { raw } from "./raw-mqtt.ts";

const unfinished = 2_000;
const perTurn = 20;
const trickleEveryMs = 5_000;
const againAfterMs = 20;

/** H13: packets that have begun, one in two of them a CONNECT, and get a byte now and then. */
export function unfinishedPackets({ mqttPort }: FloodTarget, done: Done): void {
  const publish = raw.publish("meters/unfinished/readings", Buffer.alloc(256 * 1024 - 100)).subarray(0, 255_000);
  const connect = raw.connect({ clientId: "x".repeat(14_000) }).subarray(0, 13_000);
  const begin = (number: number) => {
    done.connections += 1;
    done.sent += 1;
    const socket = opened(mqttPort, () => setTimeout(begin, againAfterMs, number));
    const packet = number % 2 === 0 ? publish : connect;
    if (packet === publish) socket.write(raw.connect({ clientId: `unfinished-${number}` }));
    socket.write(packet);
    done.bytes += packet.length;
    const timer = setInterval(() => socket.write(Buffer.from([0])), trickleEveryMs);
    socket.once("close", () => clearInterval(timer));
  };
  inTurns(unfinished, begin);
}

/** Some at a time, so that the process can be held to its share. */
export function inTurns(count: number, begin: (number: number) => void): void {
  let number = 0;
  const go = () => {
    for (let i = 0; i < perTurn && number < count; i += 1) begin(number++);
    if (number < count) setImmediate(go);
  };
  go();
}

/** Connections that are no MQTT, and such as become none after their CONNECT. */
export function floodOfBytes({ mqttPort }: FloodTarget, done: Done): void {
  const noise = Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 37 + (index >> 3)) & 255));
  const wrong = [
    noise,
    Buffer.concat([raw.connect({ clientId: "noise" }), noise]),
    Buffer.concat([raw.connect({ clientId: "long" }), Buffer.from([0x30, 255, 255, 255, 127])]),
    raw.connect({ level: 0x84 }),
  ];
  const begin = (number: number) => {
    done.connections += 1;
    done.sent += 1;
    const socket = opened(mqttPort, () => setTimeout(begin, againAfterMs, number + 1));
    const bytes = wrong[number % wrong.length] as Buffer;
    socket.write(bytes);
    done.bytes += bytes.length;
  };
  for (let number = 0; number < 16; number += 1) begin(number);
}
