// Goal: what another process has refused and kept fills the share of whoever sent it, and that one is held at the door.
import type { RefusedMessage } from "@meterbook/core/ports/refused-message";
import { rejectedQuota } from "@meterbook/intake/refused/rejected-quota";
import { expect, test } from "vitest";
import { countLateRefusals } from "./count-late-refusals.ts";
import { meterSenders } from "./meter-senders.ts";
import { rejectedDoor } from "./rejected-door.ts";

function refused(meterId: string, senderName?: string): RefusedMessage {
  const from = { topic: `meters/${meterId}/readings`, meterId, clientId: "aggregator", receivedAtMs: 1 };
  const refusals = [{ reason: "too_many_meters", detail: "topic", readingIndex: null }];
  const more = senderName === undefined ? {} : { senderName };
  return { ...from, ...more, payload: new Uint8Array(400), truncatedFrom: null, refusals };
}

function counted() {
  const held: string[] = [];
  const quota = rejectedQuota({ bytesMax: 100_000, bytesPerSenderMax: 1_000, retentionMs: 1e9, nowMs: () => 0 });
  const events = {
    senderHeld: ({ sender, whenFull }: { sender: string; whenFull: string }) => void held.push(`${sender} ${whenFull}`),
    senderFree: () => undefined,
  };
  const senders = meterSenders();
  const count = countLateRefusals({ door: rejectedDoor({ quota, events, whenFull: "late" }), senders });
  const hold = rejectedDoor({ quota, events, whenFull: "hold" });
  const message = (clientId: string) => () => {
    const { refusals, ...one } = refused("m-9");
    return hold(
      { clientId },
      refusals.map((refusal) => ({ ...one, ...refusal })),
    );
  };
  return { count, senders, held, message };
}

test("invented meters of one client, refused by an aggregator, fill the client's share: it is named, and held at the door", () => {
  const { count, senders, held, message } = counted();
  for (let n = 0; n < 4; n += 1) {
    senders.heard(`invented-${n}`, "hostile");
    count(refused(`invented-${n}`, `invented-${n}`));
  }
  expect(held).toEqual(["hostile late", "hostile late"]);
  expect(message("hostile")).toThrow("METERBOOK_REJECTED_BYTES_PER_SENDER_MAX");
  expect(message("honest")()).toHaveLength(1);
});

test("what another ingest has refused of a client is that client's, and a meter that nobody else sent for is its own", () => {
  const { count, message } = counted();
  for (let n = 0; n < 3; n += 1) {
    count(refused(`m-${n}`, "conc-1"));
    count(refused("m-5"));
  }
  expect(message("conc-1")).toThrow("METERBOOK_REJECTED_BYTES_PER_SENDER_MAX");
  expect(message("m-5")).toThrow("METERBOOK_REJECTED_BYTES_PER_SENDER_MAX");
  expect(message("m-1")()).toHaveLength(1);
});
