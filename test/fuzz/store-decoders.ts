import { crc32 } from "node:zlib";
import {
  epoch,
  joinBlocks,
  MalformedBlock,
  packBlock,
  unpackBlock,
} from "@meterbook/adapters/embedded/series/days/reading-block";
import type { InfluxConnection } from "@meterbook/adapters/influxdb/client/influx-connection";
import { metersById } from "@meterbook/adapters/influxdb/points/channel-rows";
import { conflictsWithin } from "@meterbook/adapters/influxdb/points/conflict-rows";
import { parseChannelName, parseCodedName } from "@meterbook/adapters/influxdb/points/line-protocol";
import { allProgress } from "@meterbook/adapters/influxdb/trail/progress-rows";
import { readingsOf } from "@meterbook/adapters/kafka/readings-log/readings-header";
import type { Columns } from "@meterbook/core/domain/reading/reading";
import { isReadingCode, readingCode, revisionMax } from "@meterbook/core/domain/reading/reading";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Decoder } from "./decoder.ts";
import { decoder, filled, many, must, never } from "./decoder.ts";
import { oddJson } from "./odd-json.ts";

const key = 2 ** 40 + 7;
const regular = {
  channelIndex: 0,
  at: [epoch, epoch + 900, epoch + 1800],
  value: [5, 9, 2 ** 53 - 1],
  code: [0, 1, 1],
};
const irregular = {
  channelIndex: 3,
  at: [epoch + 1, epoch + 7],
  value: [2 ** 53 - 1, 0],
  code: [readingCode("suspect", "import", { revision: revisionMax }), 0],
};

function sealed(bytes: Buffer): Buffer {
  const sections = bytes.subarray(0, Math.max(0, bytes.length - 4));
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(crc32(sections, ((key % 2 ** 32) ^ Math.floor(key / 2 ** 32)) >>> 0));
  return Buffer.concat([sections, checksum]);
}

function unpack(bytes: Buffer): ReadonlyMap<number, Columns> {
  const all = new Map<number, Columns>();
  unpackBlock(bytes, key, all);
  unpackBlock(bytes, key, new Map(), new Set([0]));
  joinBlocks(bytes, bytes, key);
  return all;
}

function checkColumns(all: ReadonlyMap<number, Columns>): void {
  for (const [channelIndex, { at, value, code }] of all) {
    const isSound =
      Number.isSafeInteger(channelIndex) &&
      at.length === value.length &&
      at.length === code.length &&
      [...at, ...value].every((one) => Number.isSafeInteger(one) && one >= 0) &&
      code.every(isReadingCode);
    must(isSound, "sound", channelIndex, at, value, code);
  }
}

/** A server that answers these bytes to everything. */
function answering(bytes: Buffer): InfluxConnection {
  const unused = () => {
    throw new Error("not asked");
  };
  return {
    url: "http://influxdb:8086",
    org: "o",
    bucket: "b",
    compression: "none",
    events: {},
    odd: { look: (read) => read(() => undefined) },
    requestMsMax: 1000,
    shared: { s: { share: unused }, ns: { share: unused } } as never,
    async send({ take }) {
      for (let at = 0; at < bytes.length; at += 4096) take?.(bytes.subarray(at, at + 4096));
      return { status: 200, headers: {}, body: "" };
    },
    close: unused,
  };
}

/** An answer that cannot be understood is asked for again, unless nobody waits for it any more. */
const quiet = AbortSignal.abort();
const series = (columns: readonly string[], values: readonly unknown[][], tags: object) =>
  Buffer.from(`${JSON.stringify({ results: [{ series: [{ name: "x", tags, columns, values }] }] })}\n`);
const notes = JSON.stringify({ "0": 7 });
const answers = [
  series(["time", "1.8.0_Wh_q0", "1.8.0_Wh_q0_p", "1.8.0_Wh_n", "part"], [[1_793_484_000, 5, 7, 0, 3]], {
    k: "00",
    m: "m-1",
  }),
  series(["time", "at", "kv", "kq", "rv", "rq", "received", "ch"], [[1, 2, 3, 0, 4, 0, 5, "1.8.0_Wh"]], {
    k: "00",
    m: "m-1",
  }),
  series(
    [
      "time",
      "position",
      "stored",
      "duplicates",
      "conflicts",
      "newestAt",
      "issuedPosition",
      "pending",
      "notes",
      "trails",
    ],
    [[1, 2, 3, 4, 5, 6, 7, 0, notes, "[]"]],
    { part: "0" },
  ),
];

const json = oddJson(["results", "series", "name", "tags", "columns", "values", "error", "time", "m", "part"]);

function asked(ask: (connection: InfluxConnection) => Promise<unknown>): Pick<Decoder, "decode" | "throws"> {
  return {
    decode: (bytes) => ask(answering(bytes)),
    throws: (error) => error instanceof AdapterError && error.code === "store_read_failed",
  };
}

const rowsHeavy = {
  "empty lines": filled("\n"),
  "arrays in arrays": filled("["),
  "empty results": many(() => "{}", '{"results":[', "]}", ","),
  "series of nothing": many(() => '{"columns":[],"values":[]}', '{"results":[{"series":[', "]}]}", ","),
  "columns of one series": many(
    (i) => `"${i}_Wh_q0"`,
    '{"results":[{"series":[{"columns":[',
    '],"values":[[]]}]}]}',
    ",",
  ),
  "rows of one series": many(
    () => "[1,2,3]",
    '{"results":[{"series":[{"columns":["time","1.8.0_Wh_q0","1.8.0_Wh_q0_p"],"values":[',
    "]}]}]}",
    ",",
  ),
};

export const storeDecoders: readonly Decoder[] = [
  decoder({
    name: "a block of readings",
    samples: [[regular], [regular, irregular], [irregular, irregular]].map((sections) =>
      Buffer.from(packBlock(sections, key)),
    ),
    sealed,
    decode: unpack,
    check: checkColumns,
    throws: (error) => error instanceof MalformedBlock,
    heavy: {
      zeros: (bytes) => sealed(Buffer.alloc(bytes)),
      "bytes that go on": (bytes) => sealed(Buffer.alloc(bytes, 0xff)),
      "one section": (bytes) => {
        const at = Array.from({ length: Math.floor(bytes / 3) }, (_, i) => epoch + i * 900);
        return Buffer.from(
          packBlock([{ channelIndex: 0, at, value: at.map((_, i) => i % 2), code: at.map((_, i) => i % 3) }], key),
        );
      },
      "sections of one reading": (bytes) => {
        const sections = Array.from({ length: Math.floor(bytes / 8) }, (_, i) => ({
          channelIndex: i,
          at: [epoch],
          value: [1],
          code: [0],
        }));
        return Buffer.from(packBlock(sections, key));
      },
    },
  }),
  decoder({
    name: "meters in InfluxDB",
    samples: answers,
    generated: json,
    ...asked((from) =>
      metersById(from, ["m-1"], quiet).then((found) => found.map((one) => one.stored(1, 10, () => undefined))),
    ),
    heavy: rowsHeavy,
  }),
  decoder({
    name: "conflicts in InfluxDB",
    samples: answers,
    generated: json,
    ...asked((from) => conflictsWithin(from, { meterIds: ["m-1"], from: 0, to: 1, beforeOffset: 9 }, quiet)),
    heavy: rowsHeavy,
  }),
  decoder({
    name: "progress in InfluxDB",
    samples: answers,
    generated: json,
    ...asked((from) => allProgress(from, quiet)),
    heavy: rowsHeavy,
  }),
  decoder({
    name: "names in InfluxDB and Kafka",
    samples: ["1.8.0_Wh", "1.8.0_Wh_900", "1.8.0_Wh_q3_p", "96"].map((name) => Buffer.from(name)),
    decode: (bytes) => ({
      stepSeconds: parseChannelName(bytes.toString())?.stepSeconds ?? 0,
      code: parseCodedName(bytes.toString())?.code ?? 0,
      readings: readingsOf({ headers: { readings: bytes } } as never),
    }),
    check: (read) =>
      must(Object.values(read).every((one) => Number.isSafeInteger(one)) && isReadingCode(read.code), "sound", read),
    throws: never,
    heavy: {
      underlines: filled("_Wh"),
      digits: filled("9", "1.8.0_Wh_q"),
      "digits of a step": filled("9", "1.8.0_Wh_"),
    },
  }),
];
