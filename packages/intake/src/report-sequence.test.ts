import { expect, test } from "vitest";
import { encodeReport } from "./decoders/protobuf/meter-report-protobuf.ts";
import { sequenceOfReport } from "./report-sequence.ts";

const channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 } as const;
const series = [{ channel, at: [1_790_000_000], value: [1], code: [0] }];

test.for([0, 1, 127, 128, 300, 2 ** 32, Number.MAX_SAFE_INTEGER])("the number %i of an accepted report", (sequence) => {
  expect(sequenceOfReport(encodeReport({ sequence, series }))).toBe(sequence);
});

test.for([[], [0x10], [0x10, 0x80], [0x10, ...Array.from({ length: 12 }, () => 0xff)]])("%j has none", (bytes) => {
  expect(sequenceOfReport(Uint8Array.from(bytes))).toBe(0);
});
