// Goal: a client that is made from the OpenAPI document alone can make every call, and its first try works (N04, N18).
// Method: a function for each operationId, made from the document; reads are called with the document's own examples.
import { expect, test } from "vitest";
import { registerSeries } from "../../../../../test/support/readings.ts";
import { apiWorld, aSnapshot, injectableApi } from "../../../../../test/support/worlds/api-world.ts";
import {
  memoryRegistry,
  memoryRejectedLog,
  memorySeries,
  memorySnapshots,
} from "../../../../../test/support/worlds/memory-ports.ts";
import type { Api } from "../../api-context.ts";

interface Parameter {
  readonly name: string;
  readonly in: "query" | "path" | "header";
  readonly required?: boolean;
  readonly example?: unknown;
  readonly schema: { readonly examples?: readonly unknown[]; readonly example?: unknown };
}
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Record<string, unknown> };
  readonly responses: Record<string, unknown>;
}
interface Document {
  readonly info: { readonly version: string };
  readonly paths: Record<string, Record<string, Operation>>;
}

async function served(): Promise<{ app: Api; document: Document }> {
  const record = { meterId: "m-1", usagePointId: "up-1", registers: [] };
  const at = Date.parse("2026-10-01T00:00:00Z") / 1000;
  const series = memorySeries({
    "m-1": [
      registerSeries([
        [at, 1],
        [at + 3600, 5],
      ]),
    ],
  });
  // As the embedded log has them.
  const shares = { list: async () => [], empty: async () => 0 };
  const rejectedLog = { ...memoryRejectedLog(), shares };
  const app = await injectableApi(
    apiWorld({ rejectedLog, series, registry: memoryRegistry(record), snapshots: memorySnapshots(aSnapshot()) }),
  );
  return { app, document: (await app.inject("/openapi.json")).json() };
}

const exampleOf = ({ example, schema }: Parameter) => example ?? schema.examples?.[0] ?? schema.example;

/** As a generator would: nothing but the document says how a call is made. */
function clientOf({ app, document }: { app: Api; document: Document }) {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...{ method, path, operation },
      async call() {
        const given = (operation.parameters ?? []).filter((one) => one.required === true);
        const query = new URLSearchParams();
        let url = path;
        for (const one of given) {
          if (one.in === "path") url = url.replace(`{${one.name}}`, encodeURIComponent(String(exampleOf(one))));
          else query.set(one.name, String(exampleOf(one)));
        }
        return app.inject({ method: method.toUpperCase() as "GET", url: `${url}?${query}` });
      },
    })),
  );
}

test("N18: every call has a name of its own, what it takes is documented, and the version is ours", async () => {
  const world = await served();
  const client = clientOf(world);
  const names = client.map(({ operation }) => operation.operationId);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain("getMetersMeterIdCurve");
  for (const name of names) expect(name).toMatch(/^(get|put|post|delete)[A-Z][A-Za-z0-9]*$/);
  for (const name of ["postMetersImport", "postUsagePointsImport"]) {
    const { operation } = client.find((one) => one.operation.operationId === name) ?? {};
    expect(Object.keys(operation?.requestBody?.content ?? {}).sort()).toEqual(["application/x-ndjson", "text/csv"]);
  }
  expect(world.document.info.version).toMatch(/^\d+\.\d+\.\d+/);
});

const lists = ["meters", "usage-points", "snapshots", "snapshots/changes", "statements", "rejected", "damage", "audit"]
  .concat(["curves", "gaps", "periods", "search", "status"])
  .map((name) => `/v1/${name}`);

test("N04: each read is answered as documented at the first try, and each list with 200", async () => {
  // What is told as it happens has no end to wait for.
  const isEndless = (path: string) => path.endsWith("/events");
  const client = clientOf(await served()).filter(({ method, path }) => method === "get" && !isEndless(path));
  expect(client.length).toBeGreaterThan(30);
  for (const { path, operation, call } of client) {
    const { statusCode, body } = await call();
    const documented = Object.keys(operation.responses);
    expect([path, documented, body]).toEqual([path, expect.arrayContaining([String(statusCode)]), body]);
    if (lists.includes(path)) expect([path, statusCode]).toEqual([path, 200]);
  }
});
