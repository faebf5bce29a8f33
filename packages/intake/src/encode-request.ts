import type { Asking } from "@meterbook/core/domain/gap/meter-gaps";
import { kinds } from "@meterbook/core/domain/reading/reading";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import type { MeterRequest } from "@meterbook/core/ports/meter-endpoint";
import protobuf from "protobufjs";

/** A gap that goes on is asked for up to now. */
export function encodeRequest(meterId: string, { id, ranges }: Asking, now: number): MeterRequest {
  const asked = ranges.map((range) => (range.goesOn ? { ...range, to: Math.max(range.to, now) } : range));
  return { meterId, json: jsonOf({ id, meterId, asked }), protobuf: protobufOf({ id, meterId, asked }) };
}

interface Content {
  readonly id: string;
  readonly meterId: string;
  readonly asked: Asking["ranges"];
}

function jsonOf({ id, meterId, asked }: Content): Uint8Array {
  const ranges = asked.map(({ register, kind, stepSeconds, from, to }) => ({
    register,
    kind,
    ...(kind === "interval" ? { stepSeconds } : {}),
    from: formatInstant(from),
    to: formatInstant(to),
  }));
  return Buffer.from(JSON.stringify({ id, meterId, ranges }));
}

/** proto/meterbook/v1/reading_request.proto */
function protobufOf({ id, meterId, asked }: Content): Uint8Array {
  const out = protobuf.Writer.create().uint32(0x0a).string(id).uint32(0x12).string(meterId);
  for (const { register, kind, stepSeconds, from, to } of asked) {
    out.uint32(0x1a).fork().uint32(0x0a).string(register);
    out.uint32(0x10).uint32(kinds.indexOf(kind)).uint32(0x18).uint32(stepSeconds);
    out.uint32(0x20).uint32(from).uint32(0x28).uint32(to).ldelim();
  }
  return out.finish();
}
