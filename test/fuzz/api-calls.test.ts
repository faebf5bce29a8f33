// Goal: every call is answered, or refused with a problem; no cursor, parameter, id, header or body is a failure of
// ours.
// Method: calls of every route, from a seed, with right values, odd ones and cursors that somebody wrote himself, on
// files as they are.
import { openEmbeddedDamageLog } from "@meterbook/adapters/embedded/damage-log/embedded-damage-log";
import {
  openEmbeddedSnapshotLedgers,
  openEmbeddedSnapshotView,
} from "@meterbook/adapters/embedded/ledger/embedded-snapshot-ledger";
import { openEmbeddedRegistry } from "@meterbook/adapters/embedded/registry/embedded-registry";
import { openEmbeddedRejectedLog } from "@meterbook/adapters/embedded/rejected-log/embedded-rejected-log";
import { systemClock as clock } from "@meterbook/core/ports/clock";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Api } from "../../services/api/src/api-context.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { apiWorld, aSnapshot, injectableApi } from "../support/worlds/api-world.ts";
import { memorySeries } from "../support/worlds/memory-ports.ts";
import { soundSeries } from "./message-decoders.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? fc.readConfigureGlobal().seed ?? Date.now() % 2 ** 31);
const answerMsMax = 5000;
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 500);

const odd = fc.oneof(
  fc.constantFrom(
    ...[
      "",
      "0",
      "-1",
      "1",
      "1000",
      "1001",
      "1e3",
      "0x10",
      "9007199254740993",
      "NaN",
      " 1",
      "true",
      "false",
      "null",
      "constructor",
    ],
    ...[
      "__proto__",
      "toString",
      "../../etc",
      "m-1\u0000",
      "\ud800",
      "\u202e",
      "=1+1",
      "'; DROP TABLE record; --",
      "a".repeat(300),
    ],
    ...["2026-10", "2026-13", "2001-01", "2099-12", "0000-01", "2026-10-31T22:00:00Z", "2026-10-31T22:00:00.5+14:00"],
    ...[
      "0000-01-01T00:00:00+14:00",
      "9999-12-31T23:59:59Z",
      "2016-12-31T23:59:60Z",
      "1.8.0",
      "1-0:1.8.0*255",
      "PT15M",
      "P1M",
      "native",
    ],
    ...["csv", "ndjson", "json", "oldest", "newest", "unit_unknown", "m-1", "r00000000001000", "register", "interval"],
  ),
  fc.string({ unit: "binary", maxLength: 20 }),
);

/** By route: what it takes, and the cursor of its list. */
const routes: Readonly<
  Record<string, { readonly takes: readonly string[]; readonly kind?: string; readonly scope?: string }>
> = {
  status: { takes: [] },
  meters: { takes: ["registered", "reported", "installed", "limit", "cursor"], kind: "meters", scope: "{}" },
  "meters/:id": { takes: [] },
  "meters/:id/readings": { takes: ["from", "to", "register", "limit", "cursor"], kind: "readings", scope: "m-1" },
  "meters/:id/curve": { takes: ["from", "to", "register", "kind", "resolution"] },
  "meters/:id/conflicts": { takes: ["limit", "cursor"], kind: "conflicts", scope: "m-1" },
  conflicts: { takes: ["meterId", "from", "to", "limit", "cursor"], kind: "fleet-conflicts", scope: "{}" },
  "usage-points": { takes: ["limit", "cursor"], kind: "usage-points", scope: "" },
  gaps: { takes: ["period", "limit", "cursor"], kind: "fleet-gaps", scope: "2026-10" },
  "meters/:id/gaps": { takes: ["from", "to", "limit", "cursor"], kind: "gaps", scope: "m-1  " },
  "meters/:id/snapshots/:period": { takes: ["revision"] },
  "meters/:id/snapshots/:period/revisions": { takes: [] },
  "periods/:period": { takes: [] },
  snapshots: { takes: ["period", "limit", "cursor"], kind: "snapshots", scope: "2026-10" },
  "snapshots/changes": { takes: ["after", "cursor", "since", "limit"], kind: "changes", scope: "" },
  rejected: {
    takes: ["includeReplayed", "reason", "meterId", "from", "to", "order", "limit", "cursor"],
    kind: "rejected",
    scope: "false",
  },
  damage: { takes: ["acknowledged", "limit", "cursor"], kind: "damage", scope: "false" },
};
const right = new Map<string, readonly string[]>(
  Object.entries({
    id: ["m-1", "m-2", "r00000000001000"],
    period: ["2026-10", "2026-11", "2001-01"],
    limit: ["1", "2", "1000"],
    from: ["2026-10-31T20:00:00Z", "2001-01-01T00:00:00Z"],
    to: ["2026-11-01T00:00:00Z", "2099-01-01T00:00:00Z"],
    since: ["2026-10-31T22:00:00Z"],
    register: ["1.8.0", "7-0:3.0.0"],
    kind: ["register", "interval"],
    resolution: ["PT1H", "P1M", "native", "PT15M"],
    revision: ["1", "2"],
    includeReplayed: ["true", "false"],
    acknowledged: ["true", "false"],
    registered: ["true", "false"],
    reported: ["true", "false"],
    installed: ["true", "false"],
    reason: ["unit_unknown"],
    meterId: ["m-1"],
    order: ["oldest", "newest"],
  }),
);

/** Nearly always one of these. */
function mostly<Value>(values: readonly Value[], others: fc.Arbitrary<Value>): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: others });
}

const place = fc.oneof(
  fc.constantFrom<unknown>("m-1", "", "\ud800", "r00000000001000", 0, -1, 2 ** 53, 1.5, [0, 0], [-1, 2 ** 53], null),
  fc.jsonValue({ maxDepth: 2 }),
);

/** As somebody writes it who has seen one. */
function cursorOf({ kind = "meters", scope = "" }: { readonly kind?: string; readonly scope?: string }) {
  const form = fc.record({ k: mostly([kind], odd), s: mostly([scope], odd), p: place });
  return fc.oneof(
    { weight: 6, arbitrary: form.map((made) => Buffer.from(JSON.stringify(made)).toString("base64url")) },
    { weight: 1, arbitrary: odd },
  );
}

const filled = (route: string) =>
  fc.tuple(mostly(right.get("id") ?? [], odd), mostly(right.get("period") ?? [], odd)).map(([id, period]) =>
    route
      .replace(":id", () => encoded(id))
      .replace(":period", () => encoded(period))
      .replace("::", ":"),
  );

const read = fc.constantFrom(...Object.keys(routes)).chain((route) => {
  const { takes, ...list } = routes[route] ?? { takes: [] };
  const name = takes.length === 0 ? odd : mostly(takes, odd);
  const parameter = name.chain((known) => {
    const value = known === "cursor" || known === "after" ? cursorOf(list) : mostly(right.get(known) ?? ["x"], odd);
    return value.map((text) => `${encoded(known)}=${encoded(text)}`);
  });
  const query = fc.uniqueArray(parameter, {
    maxLength: Math.min(5, takes.length),
    selector: (one) => one.split("=")[0],
  });
  return fc.record({
    method: fc.constant("GET" as const),
    url: fc.tuple(filled(route), query).map(([path, search]) => `/v1/${path}?${search.join("&")}`),
    headers: mostly(["application/json", "text/csv", "application/x-ndjson", "*/*"], odd).map((accept) => ({
      accept: headerOf(accept),
    })),
  });
});

const body = mostly(
  ['{"reason":"x"}', '{"registers":[{"register":"1.8.0","unit":"kWh"}]}', ""],
  fc.oneof(
    fc.constantFrom("{}", "[]", "null", '{"reason":"\\ud800"}', '{"__proto__":1}', "{", "[".repeat(100)),
    fc.json({ maxDepth: 3 }),
  ),
);
const posts = [
  "rejected/:id/replay",
  "damage/:id/acknowledgements",
  "damage/:id/repairs",
  "periods/:period/close",
  "meters::import",
];
const written = fc.constantFrom(...posts, "meters/:id").chain((route) =>
  fc.record({
    method: fc.constant(route === "meters/:id" ? ("PUT" as const) : ("POST" as const)),
    url: filled(route).map((path) => `/v1/${path}`),
    headers: mostly(
      [route === "meters::import" ? "application/x-ndjson" : "application/json"],
      fc.constantFrom("text/csv", "text/plain", "application/json; charset=x"),
    ).map((type) => ({ "content-type": type })),
    payload: body,
  }),
);

async function filledApi(): Promise<Api> {
  const dataDir = await temporaryDirectory();
  const ledger = await openEmbeddedSnapshotLedgers({ dataDir }).open(0);
  await ledger.append([aSnapshot(), aSnapshot({ meterId: "m-2" })]);
  await ledger.close();
  const rejectedLog = openEmbeddedRejectedLog({ dataDir });
  const registry = await openEmbeddedRegistry({ dataDir, clock, damaged: () => undefined });
  await registry.put([{ meterId: "m-1", usagePointId: "up-1", registers: [{ register: "1.8.0", unit: "Wh" }] }]);
  const refused = {
    topic: "=1+1",
    meterId: "m-1",
    clientId: "\u202e",
    receivedAtMs: 1,
    payload: Buffer.from("\ud800"),
    truncatedFrom: null,
  };
  await rejectedLog.append([{ ...refused, reason: "unit_unknown", detail: '"', readingIndex: 0 }]);
  const ports = {
    rejectedLog,
    registry,
    damage: openEmbeddedDamageLog({ dataDir }),
    snapshots: openEmbeddedSnapshotView({ dataDir }),
    series: memorySeries({ "m-1": soundSeries }),
  };
  return injectableApi(apiWorld(ports, { limits: { commandMs: 1 } }));
}

/** An answer that never comes is told as such, with the call. */
async function inTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("no answer")), answerMsMax);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

test(`no call is a failure of ours (seed ${seed})`, { timeout: 60_000 + numRuns * 50 }, async () => {
  const app = await filledApi();
  const property = fc.asyncProperty(fc.oneof(read, written), async (call) => {
    const answer = await inTime(app.inject(call));
    // Nobody aggregates here, so that a close is not answered for.
    const isOurs = answer.statusCode >= 500 && answer.json().code !== "close_unanswered";
    expect([isOurs, answer.body]).toEqual([false, expect.anything()]);
    if (answer.statusCode >= 400)
      expect(answer.json()).toMatchObject({ status: answer.statusCode, code: expect.any(String) });
    else if (answer.headers["content-type"]?.toString().startsWith("application/json") === true) answer.json();
  });
  await fc.assert(property, { seed, numRuns });
});

function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** What a header may hold. */
function headerOf(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "x");
}
