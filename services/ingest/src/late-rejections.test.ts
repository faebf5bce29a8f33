// Goal: what the aggregator refuses fills the share of whoever sent it, and is kept, whole or its beginning.
import type { Rejection } from "@meterbook/core/ports/rejected-log";
import { rejectedQuota } from "@meterbook/intake/refused/rejected-quota";
import { expect, test } from "vitest";
import { lateRejections } from "./late-rejections.ts";
import { meterSenders } from "./meter-senders.ts";
import { rejectedDoor } from "./rejected-door.ts";

function refused(meterId: string, bytes = 400): Rejection {
  const from = { topic: `meters/${meterId}/readings`, meterId, clientId: "aggregator", senderName: meterId };
  const where = { receivedAtMs: 1, source: `0/${meterId}`, truncatedFrom: null, readingIndex: null };
  return { reason: "too_many_meters", detail: "topic", ...from, ...where, payload: new Uint8Array(bytes) };
}

function late() {
  const kept: Rejection[] = [];
  const quota = rejectedQuota({ bytesMax: 100_000, bytesPerSenderMax: 1_000, retentionMs: 1e9, nowMs: () => 0 });
  const events = { senderHeld: () => undefined, senderFree: () => undefined };
  const senders = meterSenders();
  const options = { door: rejectedDoor({ quota, events, whenFull: "cut" as const }), senders };
  const keep = lateRejections({ ...options, reject: async (all) => void kept.push(...all) });
  return { keep, kept, senders, hold: rejectedDoor({ quota, events, whenFull: "hold" }) };
}

test("invented meters of one client fill its share; beyond it the beginnings are kept, and the client is held at the door", async () => {
  const { keep, kept, senders, hold } = late();
  for (let n = 0; n < 4; n += 1) senders.heard(`invented-${n}`, "hostile");
  await keep([0, 1, 2, 3].map((n) => refused(`invented-${n}`)));
  expect(kept.map(({ senderName }) => senderName)).toEqual(["hostile", "hostile", "hostile", "hostile"]);
  expect(kept.map(({ payload, truncatedFrom }) => [payload.length, truncatedFrom])).toEqual([
    [400, null],
    [400, null],
    [256, 400],
    [256, 400],
  ]);
  expect(() => hold({ clientId: "hostile" }, [refused("invented-9")])).toThrow(
    "METERBOOK_REJECTED_BYTES_PER_SENDER_MAX",
  );
  expect(hold({ clientId: "honest" }, [refused("honest")])).toHaveLength(1);
});

test("a meter that nobody else sent for is its own sender, and so is one that came to send by itself", async () => {
  const { keep, kept, senders } = late();
  senders.heard("m-2", "conc-1");
  senders.heard("m-2", "m-2");
  await keep([refused("m-1"), refused("m-2")]);
  expect(kept.map(({ senderName }) => senderName)).toEqual(["m-1", "m-2"]);
});

test("as many meters are remembered as there is room for, those that were heard of last", () => {
  const senders = meterSenders(2);
  for (const meterId of ["a", "b", "c"]) senders.heard(meterId, "conc-1");
  expect(["a", "b", "c"].map(senders.senderOf)).toEqual(["a", "conc-1", "conc-1"]);
});
