// Goal: a bit that flips on a broker's disk costs the batch that it is in, and nothing else, wherever it is (H07 on
// servers).
// Method: answers to a fetch as kafkajs would write them, with every bit of them flipped in turn.
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { decodeFetch } from "./unreadable-batches.ts";

interface Encoder {
  readonly buffer: Buffer;
  writeInt16(value: number): Encoder;
  writeInt32(value: number): Encoder;
  writeInt64(value: number): Encoder;
  writeString(value: string): Encoder;
  writeBuffer(value: Buffer): Encoder;
}
const require = createRequire(import.meta.url);
const EncoderOf = require("kafkajs/src/protocol/encoder.js") as new () => Encoder;
const { RecordBatch } = require("kafkajs/src/protocol/recordBatch/v0/index.js") as {
  RecordBatch(options: object): Promise<Encoder>;
};
const record = require("kafkajs/src/protocol/recordBatch/record/v0/index.js") as (options: object) => Encoder;
const Long = require("kafkajs/src/utils/long.js") as { fromInt(value: number): object };

interface Fetched {
  readonly responses: readonly {
    readonly partitions: readonly {
      readonly partition: number;
      readonly errorCode: number;
      readonly messages: readonly { readonly offset: string; readonly value: Buffer; readonly key: Buffer | null }[];
    }[];
  }[];
}

const perBatch = 3;

/** Records with these offsets on, `v<offset>` each. */
async function batch(first: number, compression: 0 | 1): Promise<Buffer> {
  const records = Array.from({ length: perBatch }, (_, offsetDelta) =>
    record({ offsetDelta, key: Buffer.from("k"), value: Buffer.from(`v${first + offsetDelta}`), headers: {} }),
  );
  const at = { firstOffset: Long.fromInt(first), lastOffsetDelta: perBatch - 1 };
  return (await RecordBatch({ ...at, compression, firstTimestamp: 5, maxTimestamp: 7, records })).buffer;
}

function answer(partitions: readonly { readonly batches: readonly Buffer[]; readonly errorCode?: number }[]): Buffer {
  const out = new EncoderOf().writeInt32(0).writeInt16(0).writeInt32(0).writeInt32(1).writeString("topic");
  out.writeInt32(partitions.length);
  partitions.forEach(({ batches, errorCode = 0 }, partition) => {
    const bytes = Buffer.concat(batches);
    out.writeInt32(partition).writeInt16(errorCode).writeInt64(99).writeInt64(99).writeInt64(0).writeInt32(0);
    out.writeInt32(-1).writeInt32(bytes.length).writeBuffer(bytes);
  });
  return out.buffer;
}

async function fetched(raw: Buffer) {
  const { responses } = (await decodeFetch(raw)) as Fetched;
  return (responses[0]?.partitions ?? []).map(({ messages }) =>
    messages.map(({ offset, value }) => (String(value) === `v${offset}` ? offset : `${offset} damaged`)),
  );
}

const whole = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => String(from + n));

test("what is sound is read as it is, and a batch that is cut off at the end is left for the next fetch", async () => {
  const batches = [await batch(10, 1), await batch(13, 0), (await batch(16, 1)).subarray(0, -4)];
  expect(await fetched(answer([{ batches }, { batches: [] }]))).toEqual([whole(10, 16), []]);
});

test("what was written while the broker answered stands behind the end that it gives, and is sound", async () => {
  expect(await fetched(answer([{ batches: [await batch(99, 0), await batch(102, 1)] }]))).toEqual([whole(99, 105)]);
  expect(await fetched(answer([{ batches: [await batch(120, 1)] }]))).toEqual([whole(120, 123)]);
});

test("each record of a batch that cannot be unpacked comes as damaged, and all others are read", async () => {
  const damaged = Buffer.from(await batch(13, 1));
  damaged[damaged.length - 12] = (damaged[damaged.length - 12] as number) ^ 4;
  const one = { batches: [await batch(10, 1), damaged, await batch(16, 1)] };
  expect(await fetched(answer([one, { batches: [await batch(0, 1)] }]))).toEqual([
    [...whole(10, 13), "13 damaged", "14 damaged", "15 damaged", ...whole(16, 19)],
    whole(0, 3),
  ]);
});

test.for([0, 1] as const)(
  "compression %i: whichever bit flips, the others are read, and no offset is passed over",
  async (compression) => {
    const [before, sound, after] = [
      await batch(10, compression),
      await batch(13, compression),
      await batch(16, compression),
    ];
    let wrong = 0;
    for (let bit = 0; bit < sound.length * 8; bit += 1) {
      const damaged = Buffer.from(sound);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      const [one = [], other] = await fetched(answer([{ batches: [before, damaged, after] }, { batches: [before] }]));
      expect(other, `bit ${bit}`).toEqual(whole(10, 13));
      expect(one.slice(0, perBatch), `bit ${bit}`).toEqual(whole(10, 13));
      expect(
        one.map((text) => text.split(" ")[0]),
        `bit ${bit}`,
      ).toEqual(whole(10, 19));
      expect(one.slice(-perBatch), `bit ${bit}`).toEqual(whole(16, 19));
      if (one.some((text) => text.endsWith("damaged"))) wrong += 1;
    }
    expect(wrong).toBeGreaterThan(sound.length);
  },
);

test("a number of records that is damaged makes no more of them than there is room for", async () => {
  const damaged = Buffer.from(await batch(13, 1));
  damaged.writeInt32BE(2 ** 30, 23);
  damaged.writeInt32BE(2 ** 29, 57);
  damaged[damaged.length - 12] = (damaged[damaged.length - 12] as number) ^ 4;
  expect(await fetched(answer([{ batches: [damaged] }]))).toEqual([["13 damaged"]]);
});

test("a batch that the broker itself cannot read stops its partition and no other", async () => {
  const raw = answer([{ batches: [], errorCode: 2 }, { batches: [await batch(0, 1)] }, { batches: [], errorCode: 1 }]);
  const { responses } = (await decodeFetch(raw)) as Fetched;
  expect(responses[0]?.partitions.map(({ errorCode, messages }) => [errorCode, messages.length])).toEqual([
    [0, 0],
    [0, 3],
    [1, 0],
  ]);
});
