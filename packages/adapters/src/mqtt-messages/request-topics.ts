import type { MeterRequest } from "@meterbook/core/ports/meter-endpoint";

/** Where a meter is asked, and in which form. */
export function requestsOn({ meterId, json, protobuf }: MeterRequest): readonly (readonly [string, Uint8Array])[] {
  const [topic, packed] = requestTopics(meterId);
  return [
    [topic, json],
    [packed, protobuf],
  ];
}

export function requestTopics(meterId: string): readonly [json: string, protobuf: string] {
  const topic = `meters/${meterId}/requests`;
  return [topic, `${topic}/protobuf`];
}
