// Goal: no message of a meter takes more than 1 ms a kilobyte to read, whatever is in it (H03, H09).
// Method: payloads that grow, of shapes that once were or might be slow; the best of several readings of each counts, because
// the machine has other work.
import { expect, test } from "vitest";
import { messageReader, readLimits } from "./read-message.ts";

const reader = messageReader(readLimits, { nowMs: () => Date.UTC(2026, 10, 29) });
const at = "2026-11-28T22:00:00Z";
const reading = (over: object) => JSON.stringify({ at, register: "1.8.0", value: "1", unit: "Wh", ...over });
const fill = (bytes: number, text: string) => text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes);
const many = (bytes: number, item: (index: number) => string) => {
  const items: string[] = [];
  for (let size = 0, index = 0; size < bytes; index += 1) size += items[items.push(item(index)) - 1]?.length ?? 0;
  return `{"readings":[${items.join(",")}]}`;
};

const shapes: Readonly<Record<string, (bytes: number) => string>> = {
  "a value of zeros": (bytes) => `{"readings":[${reading({ value: `0.${fill(bytes, "0")}1` })}]}`,
  "a number of zeros": (bytes) =>
    `{"readings":[{"at":"${at}","register":"1.8.0","value":0.${fill(bytes, "0")}1,"unit":"Wh"}]}`,
  "a value of digits": (bytes) => `{"readings":[${reading({ value: fill(bytes, "9") })}]}`,
  "an instant of digits": (bytes) => `{"readings":[${reading({ at: `2026-11-28T22:00:00.${fill(bytes, "0")}` })}]}`,
  "a long register": (bytes) => `{"readings":[${reading({ register: fill(bytes, "1.") })}]}`,
  "a long key": (bytes) => `{"readings":[${reading({ [fill(bytes, "k")]: 1 })}]}`,
  "many keys": (bytes) => `{"readings":[{${fill(bytes, '"a":1,')}"b":1}]}`,
  "arrays in arrays": (bytes) => `{"readings":[${fill(bytes / 2, "[")}${fill(bytes / 2, "]")}]}`,
  "objects in objects": (bytes) => `{"readings":[{"value":1,"x":${fill(bytes, '{"a":')}`,
  "numbers beside a value": (bytes) => `{"readings":[{"value":1,"x":[${fill(bytes, "1,")}1]}]}`,
  "empty readings": (bytes) => many(bytes, () => "{}"),
  "readings of other registers": (bytes) =>
    many(bytes, (index) => reading({ register: `1-0:${index % 256}.${(index >> 8) % 256}.0` })),
  "readings of as many registers as a meter may have": (bytes) =>
    many(bytes, (index) => reading({ register: `0-0:96.${index % 64}.0` })),
  "readings whose values are numbers": (bytes) => many(bytes, (index) => reading({ value: index })),
  "refused readings": (bytes) => many(bytes, () => reading({ value: "-1" })),
  escapes: (bytes) => `{"readings":[${reading({ unit: "X" })}],"meterId":"${fill(bytes, "\\u0041")}"}`,
};

function millisecondsToRead(payload: Buffer): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round += 1) {
    const before = process.cpuUsage();
    reader.read({ topic: "meters/m-1/readings/json", payload, receivedAtMs: Date.UTC(2026, 10, 29), clientId: "m-1" });
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1000);
    if (best > 2000) break;
  }
  return best;
}

test.for(Object.keys(shapes))("H03: %s", { timeout: 60_000 }, (name) => {
  for (const kilobytes of [4, 64, 250]) {
    const payload = Buffer.from(shapes[name]?.(kilobytes * 1024 - 300) ?? "");
    expect(millisecondsToRead(payload), `${kilobytes} kB`).toBeLessThan(5 + kilobytes);
  }
});
