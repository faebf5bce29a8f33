import { fileURLToPath } from "node:url";
import type { Asking } from "@meterbook/core/domain/gap/meter-gaps";
import protobuf from "protobufjs";
import { expect, test } from "vitest";
import { encodeRequest } from "./encode-request.ts";

const instant = (text: string) => Date.parse(text) / 1000;
const asking: Asking = {
  ...{ id: "m-1/1793484600000", atMs: 1_793_484_600_000, times: 1, rank: 0, state: "asked" },
  ranges: [
    {
      ...{ register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 900, goesOn: false },
      ...{ from: instant("2026-10-31T20:00:00Z"), to: instant("2026-10-31T22:00:00Z") },
    },
    {
      ...{ register: "2.8.0", kind: "register", unit: "Wh", stepSeconds: 0, goesOn: true },
      ...{ from: instant("2026-10-31T20:00:00Z"), to: instant("2026-10-31T22:00:00Z") },
    },
  ],
};
const now = instant("2026-11-01T08:00:00Z");

test("a request is the same as JSON and as protobuf, and what goes on is asked for up to now", () => {
  const { json, protobuf: packed } = encodeRequest("m-1", asking, now);
  const ranges = [
    { register: "1.8.0", kind: "interval", stepSeconds: 900, from: "2026-10-31T20:00:00Z", to: "2026-10-31T22:00:00Z" },
    { register: "2.8.0", kind: "register", from: "2026-10-31T20:00:00Z", to: "2026-11-01T08:00:00Z" },
  ];
  expect(JSON.parse(Buffer.from(json).toString())).toEqual({ id: asking.id, meterId: "m-1", ranges });
  const root = new protobuf.Root();
  root.resolvePath = (_from, target) => fileURLToPath(new URL(`../../../proto/${target}`, import.meta.url));
  const type = root.loadSync("meterbook/v1/reading_request.proto").lookupType("meterbook.v1.ReadingRequest");
  expect(type.toObject(type.decode(packed), { defaults: true })).toEqual({
    id: asking.id,
    meterId: "m-1",
    ranges: [
      {
        register: "1.8.0",
        kind: 1,
        stepSeconds: 900,
        from: instant("2026-10-31T20:00:00Z"),
        to: instant("2026-10-31T22:00:00Z"),
      },
      { register: "2.8.0", kind: 0, stepSeconds: 0, from: instant("2026-10-31T20:00:00Z"), to: now },
    ],
  });
});
