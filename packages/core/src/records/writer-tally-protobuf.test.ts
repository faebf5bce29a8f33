import { expect, test } from "vitest";
import { checkWriterTally, encodeWriterTally } from "./writer-tally-protobuf.ts";

const readings = new Map([
  [0, 0],
  [3, 17],
  [255, Number.MAX_SAFE_INTEGER],
]);
const tally = { writer: "mgx1k2a9-4f7c", readings };

test("a tally is read as it was written", () => {
  expect(checkWriterTally(encodeWriterTally(tally))).toEqual({ record: tally });
});

test("a tally with any bit changed is refused", () => {
  const bytes = encodeWriterTally(tally);
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(checkWriterTally(changed)).toMatchObject({ fault: { code: "checksum_mismatch" } });
  }
});
