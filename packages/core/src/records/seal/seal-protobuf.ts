import protobuf from "protobufjs";
import type { Seal } from "../../domain/seal/seal.ts";
import { type Checked, readChecked } from "../checked-record.ts";
import { MalformedMessage, readFields, readText, readWhole, skipField } from "../protobuf-cursor.ts";
import { withChecksum } from "../record-checksum.ts";

/** `meterbook.v1.Seal` (proto/meterbook/v1/seal.proto), with its checksum. */
export function encodeSeal({ shard, period, size, root, sealedAtMs }: Seal): Buffer {
  const out = protobuf.Writer.create().uint32(0x08).uint32(shard).uint32(0x10).uint32(period);
  out.uint32(0x18).uint64(size).uint32(0x22).string(root).uint32(0x28).uint64(sealedAtMs);
  return withChecksum(out.finish());
}

/** Never throws. */
export function checkSeal(body: unknown): Checked<Seal> {
  return readChecked(body, (bytes) => {
    const seal = { shard: 0, period: 0, size: 0, root: "", sealedAtMs: 0 };
    readFields(bytes, (cursor, tag) => {
      if (tag === 0x08) seal.shard = readWhole(cursor);
      else if (tag === 0x10) seal.period = readWhole(cursor);
      else if (tag === 0x18) seal.size = readWhole(cursor);
      else if (tag === 0x22) seal.root = readText(cursor);
      else if (tag === 0x28) seal.sealedAtMs = readWhole(cursor);
      else skipField(cursor, tag, 5);
    });
    if (!/^[0-9a-f]{64}$/.test(seal.root)) throw new MalformedMessage("a root is 64 hexadecimal digits");
    return seal;
  });
}
