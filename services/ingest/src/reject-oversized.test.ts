import type { Rejection } from "@meterbook/core/ports/rejected-log";
import { expect, test } from "vitest";
import { rejectOversized } from "./reject-oversized.ts";

const concentrator = { name: "conc-3", speaksFor: (meterId: string) => meterId === "m-1" };

test.for([
  ["nobody asked who it is", undefined, "m-2", "packet_too_large", "m-2"],
  ["its own meter", concentrator, "m-1", "packet_too_large", "m-1"],
  ["a meter that it does not speak for", concentrator, "m-2", "identity_mismatch", null],
] as const)("a message that was cut off, of %s", async ([, sender, topicOf, reason, meterId]) => {
  const kept: Rejection[] = [];
  const log = { append: async (some: readonly Rejection[]) => void kept.push(...some) };
  const reject = rejectOversized(
    log,
    { rejected: () => undefined },
    { packetBytesMax: 10, nowMs: () => 1, door: (_from, given) => given },
  );
  const topic = `meters/${topicOf}/readings`;
  await reject({ clientId: "c", sender, topic, declaredBytes: 20, firstBytes: Buffer.from("x") });
  expect(kept).toMatchObject([{ reason, meterId, topic, truncatedFrom: 20, readingIndex: null }]);
});
