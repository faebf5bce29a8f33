import type { Rejection } from "@meterbook/core/ports/rejected-log";
import { rejectedQuota } from "@meterbook/intake/refused/rejected-quota";
import { expect, test } from "vitest";
import { rejectedDoor } from "./rejected-door.ts";

function refused(payloadBytes: number, meterId = "m-1"): Rejection[] {
  const payload = Buffer.alloc(payloadBytes, 7);
  const topic = `meters/${meterId}/readings`;
  const message = { topic, meterId, clientId: "c", receivedAtMs: 1, payload, truncatedFrom: null };
  return [0, 1].map((readingIndex) => ({ ...message, reason: "unit_unknown", detail: "unit: kWhh", readingIndex }));
}

function door(whenFull: "hold" | "cut") {
  const clock = { ms: 0 };
  const seen: string[] = [];
  const quota = rejectedQuota({
    bytesMax: 100_000,
    bytesPerSenderMax: 10_000,
    retentionMs: 1_000,
    nowMs: () => clock.ms,
  });
  const enter = rejectedDoor({
    quota,
    whenFull,
    events: {
      senderHeld: ({ sender, why, isNew }) => void seen.push(`held ${sender} ${why}${isNew ? " (new)" : ""}`),
      senderFree: ({ sender }) => void seen.push(`free ${sender}`),
    },
  });
  return { enter, seen, clock };
}

test("H10: who has filled its share is not let through, is named once, and others are let through", () => {
  const { enter, seen, clock } = door("hold");
  const filler = { clientId: "filler" };
  const first = refused(9_800);
  expect(enter(filler, first)).toEqual(first.map((one) => ({ ...one, senderName: "filler" })));
  for (let n = 0; n < 2; n += 1)
    expect(() => enter(filler, refused(100))).toThrow("METERBOOK_REJECTED_BYTES_PER_SENDER_MAX");
  expect(enter({ clientId: "honest" }, refused(100))).toHaveLength(2);
  clock.ms += 500;
  expect(enter(filler, refused(100))).toHaveLength(2);
  expect(seen).toEqual(["held filler sender_full (new)", "held filler sender_full", "free filler"]);
});

test("H10: who is known by name cannot get a second share with another client id", () => {
  const { enter } = door("hold");
  const sender = { name: "conc-1", speaksFor: () => true };
  enter({ clientId: "a", sender }, refused(9_800));
  expect(() => enter({ clientId: "b", sender }, refused(1))).toThrow("conc-1");
});

test("H10: behind a broker a meter's share is its own, and beyond it the beginnings of messages are kept", () => {
  const { enter, seen } = door("cut");
  const broker = { clientId: "meterbook-ingest" };
  enter(broker, refused(9_800, "m-1"));
  const cut = enter(broker, refused(5_000, "m-1"));
  expect(cut.map(({ payload, truncatedFrom }) => [payload.length, truncatedFrom])).toEqual([
    [256, 5_000],
    [256, 5_000],
  ]);
  expect(cut[0]?.payload).toBe(cut[1]?.payload);
  expect(enter(broker, refused(5_000, "m-2"))[0]?.truncatedFrom).toBeNull();
  expect(seen).toEqual(["held m-1 sender_full (new)"]);
});
