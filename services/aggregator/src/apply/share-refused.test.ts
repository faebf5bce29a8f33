// Goal: nobody fills the rejected log by what an aggregator refuses, and every refusal is in it all the same.
import type { Rejection } from "@meterbook/core/ports/rejected-log";
import { rejectedQuota } from "@meterbook/intake/refused/rejected-quota";
import { expect, test } from "vitest";
import { shareRefused } from "./share-refused.ts";

function refused(meterId: string, readingIndex: number | null, payload: Uint8Array): Rejection {
  const from = { topic: `meters/${meterId}/readings`, meterId, clientId: "aggregator", senderName: meterId };
  const more = { receivedAtMs: 1, source: `0/${meterId}`, truncatedFrom: null, readingIndex };
  return { reason: "too_many_channels", detail: "register", ...from, ...more, payload };
}

function shared(bytes: { bytesMax: number; bytesPerSenderMax: number }) {
  const kept: Rejection[] = [];
  const quota = rejectedQuota({ ...bytes, retentionMs: 1e9, nowMs: () => 0 });
  const { append } = shareRefused({ append: async (all) => void kept.push(...all) }, quota);
  return { append, lengths: () => kept.map(({ meterId, payload }) => [meterId, payload.length]), kept };
}

test("H10: a meter that has filled its share: the beginnings are kept with all that was refused, other meters' messages whole", async () => {
  const { append, lengths, kept } = shared({ bytesMax: 100_000, bytesPerSenderMax: 1_000 });
  const large = new Uint8Array(1_000);
  await append([refused("m-1", null, large), refused("m-2", null, large)]);
  await append([refused("m-1", 0, large), refused("m-1", 1, large), refused("m-3", null, large)]);
  expect(lengths()).toEqual([
    ["m-1", 1000],
    ["m-2", 1000],
    ["m-1", 256],
    ["m-1", 256],
    ["m-3", 1000],
  ]);
  expect(kept[3]).toMatchObject({ readingIndex: 1, truncatedFrom: 1000, source: "0/m-1", senderName: "m-1" });
});

test("H11: ever new invented meters fill the whole, and no more than the beginnings beyond it", async () => {
  const { append, lengths } = shared({ bytesMax: 20_000, bytesPerSenderMax: 10_000 });
  for (let n = 0; n < 30; n += 1) await append([refused(`invented-${n}`, null, new Uint8Array(1_000))]);
  expect(lengths().filter(([, bytes]) => bytes === 1_000).length).toBeLessThanOrEqual(20);
  expect(lengths().at(-1)).toEqual(["invented-29", 256]);
});
