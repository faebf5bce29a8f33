import { once } from "node:events";
import { MessageChannel } from "node:worker_threads";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Rejection } from "@meterbook/core/ports/rejected-log";
import { expect, onTestFinished, test } from "vitest";
import { aRejection } from "../../../../../test/contracts/rejected-log.contract.ts";
import { handOverRejections, takeHandedRejections } from "./handed-rejections.ts";

function ends(append: (rejections: readonly Rejection[]) => Promise<void>) {
  const { port1, port2 } = new MessageChannel();
  const itself: Rejection[] = [];
  const handing = handOverRejections(port2, async (all) => void itself.push(...all));
  const taking = takeHandedRejections(port1, append);
  onTestFinished(() => [handing, taking].forEach((one) => one.close()));
  return { append: handing.append, taking, itself, port: port2 };
}

const two = () => {
  const payload = new Uint8Array([1, 2, 3]);
  return [0, 1].map((readingIndex) => aRejection({ payload, readingIndex, source: "0/7/0", senderName: "m-1" }));
};

test("refusals come over as they are, those of one message with one payload, and count when they are kept", async () => {
  const kept: Rejection[] = [];
  const { append, itself } = ends(async (all) => void kept.push(...all));
  const given = [...two(), aRejection({ payload: new Uint8Array() })];
  await append(given);
  expect(kept).toEqual(given);
  expect(kept[0]?.payload).toBe(kept[1]?.payload);
  expect(itself).toEqual([]);
});

test("what cannot be kept is an error as the log has it", async () => {
  const full = new AdapterError("log_full", { retryable: true, detail: "no room on the disk" });
  const { append } = ends(() => Promise.reject(full));
  await expect(append(two())).rejects.toMatchObject({ code: "log_full", retryable: true });
});

test("where the thread that writes has ended, what waits and what comes is kept all the same", async () => {
  const { append, taking, itself, port } = ends(() => new Promise(() => undefined));
  const waiting = append(two());
  const closed = once(port, "close");
  taking.close();
  await closed;
  await waiting;
  await append([aRejection()]);
  expect(itself).toHaveLength(3);
});
