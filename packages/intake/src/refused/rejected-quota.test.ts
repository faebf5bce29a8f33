import { expect, test } from "vitest";
import { rejectedQuota } from "./rejected-quota.ts";

const retentionMs = 1_000_000;

function quota(over: { bytesMax?: number; bytesPerSenderMax?: number } = {}) {
  const clock = { ms: 5 };
  const made = rejectedQuota({
    bytesMax: 10_000,
    bytesPerSenderMax: 1_000,
    retentionMs,
    nowMs: () => clock.ms,
    ...over,
  });
  return { ...made, clock };
}

test("H10: a sender that has filled its share is told so, others are not, and it gets room as what it filled is forgotten", () => {
  const { take, clock } = quota();
  expect(take("a", 999)).toBe("taken");
  expect(take("a", 500)).toBe("taken");
  expect(take("a", 1)).toBe("sender_full");
  expect(take("b", 1)).toBe("taken");
  clock.ms += retentionMs * 0.499;
  expect(take("a", 1)).toBe("sender_full");
  clock.ms += retentionMs / 500;
  expect(take("a", 1)).toBe("taken");
});

test("H10: a log that is full but for a tenth still takes from those that hold little", () => {
  const { take } = quota();
  for (let n = 0; n < 9; n += 1) expect(take(`filler-${n}`, 1_000)).toBe("taken");
  expect(take("honest", 100)).toBe("taken");
  expect(take("big", 600)).toBe("taken");
  expect(take("big", 1)).toBe("log_full");
  expect(take("honest", 100)).toBe("taken");
  expect(take("one more", 200)).toBe("taken");
  expect(take("honest", 100)).toBe("log_full");
});

test("H10: what was kept before the start counts", () => {
  const { take, holds } = quota();
  holds("a", 1_200);
  expect(take("a", 1)).toBe("sender_full");
});

test("a share that was emptied by hand has room at once, and so has the whole", () => {
  const { take, emptied } = quota({ bytesMax: 2_000 });
  expect(take("a", 1_000)).toBe("taken");
  expect(take("b", 1_000)).toBe("taken");
  expect(take("c", 1)).toBe("log_full");
  emptied("a");
  emptied("nobody");
  expect(take("a", 500)).toBe("taken");
  expect(take("c", 1)).toBe("taken");
  expect(take("b", 1)).toBe("sender_full");
});

test("H10: a hundred thousand invented senders and more share what is left", () => {
  const { take } = quota({ bytesMax: 1e9, bytesPerSenderMax: 10 });
  for (let n = 0; n < 100_000; n += 1) take(`invented-${n}`, 1);
  expect(take("one more", 10)).toBe("taken");
  expect(take("and another", 10)).toBe("sender_full");
});
