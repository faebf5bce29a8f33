import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";
import { apiWorld, injectableApi } from "../../../../../test/support/worlds/api-world.ts";
import { snapshotSchema } from "../../billing/snapshot-json.ts";
import { scopeTable } from "../access/scope-table.ts";
import { problems } from "../problems/problem.ts";

interface Content {
  readonly example?: unknown;
  readonly schema: Record<string, unknown>;
}
interface Operation {
  readonly description?: string;
  readonly security?: unknown;
  readonly responses: Record<string, { content: Record<string, Content> }>;
}
interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, { readonly examples?: unknown[] }> };
}

async function openApi(): Promise<Document> {
  const app = await injectableApi(apiWorld());
  return (await app.inject("/openapi.json")).json();
}

/** The table of the contract, without what comes in a later issue. */
const contract = [
  "get /v1/status",
  "put /v1/meters/{meterId}",
  "get /v1/meters/{meterId}",
  "post /v1/meters:import",
  "put /v1/usage-points/{usagePointId}",
  "get /v1/usage-points/{usagePointId}",
  "post /v1/usage-points:import",
  "post /v1/usage-points/{usagePointId}/exchange",
  "get /v1/usage-points/{usagePointId}/statements/{period}",
  "get /v1/statements",
  "get /v1/meters/{meterId}/readings",
  "get /v1/meters/{meterId}/curve",
  "get /v1/meters/{meterId}/conflicts",
  "get /v1/meters/{meterId}/gaps",
  "get /v1/gaps",
  "get /v1/conflicts",
  "get /v1/groups",
  "get /v1/groups/{groupId}/curve",
  "post /v1/billing/acknowledgements",
  "get /v1/periods",
  "get /v1/periods/{period}",
  "post /v1/periods/{period}/close",
  "get /v1/jobs/{id}",
  "get /v1/snapshots",
  "get /v1/snapshots/changes",
  "get /v1/snapshots/{id}/proof",
  "get /v1/periods/{period}/seal",
  "get /v1/meters/{meterId}/snapshots/{period}",
  "get /v1/meters/{meterId}/snapshots/{period}/revisions",
  "get /v1/rejected",
  "post /v1/rejected/{id}/replay",
  "get /v1/rejected/senders",
  "post /v1/readings/{id}/verdict",
  "get /v1/findings",
  "post /v1/rejected/senders:empty",
  "get /v1/damage",
  "post /v1/damage/{id}/acknowledgements",
  "post /v1/damage/{id}/repairs",
  "get /v1/session",
  "post /v1/session",
  "delete /v1/session",
  "get /healthz",
  "get /readyz",
  "get /metrics",
];

test("every call of the contract is documented, and no other but lists of master data", async () => {
  const { openapi, paths } = await openApi();
  expect(openapi).toBe("3.1.0");
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  const masterData = ["get /v1/meters", "get /v1/usage-points", "get /v1/usage-points/{usagePointId}/versions"];
  const groups = ["", "/balance", "/movers"].map((path) => `get /v1/groups/{groupId}${path}`);
  const sums = [...groups, "post /v1/groups:curve"];
  const outages = ["get /v1/outages", "post /v1/outages:import"];
  const oneOutage = ["get", "put"].map((method) => `${method} /v1/outages/{outageId}`);
  const board = ["hand-over", "events"].map((path) => `get /v1/periods/{period}/${path}`);
  const others = [
    ...masterData,
    ...sums,
    ...outages,
    ...oneOutage,
    ...board,
    "get /v1/search",
    "get /v1/audit",
    "get /v1/curves",
    "get /v1/meters/{meterId}/snapshots",
    "get /v1/usage-points/{usagePointId}/statements",
  ];
  expect(documented.sort()).toEqual([...contract, ...others].sort());
});

test("every answer has an example, every call its scopes", async () => {
  const { paths } = await openApi();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { responses, description, security }] of Object.entries(methods)) {
      const route = `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`;
      expect([route, security !== undefined, description?.includes("Needs a key") ?? false]).toEqual([
        route,
        route in scopeTable,
        route in scopeTable,
      ]);
      for (const [status, { content }] of Object.entries(responses)) {
        for (const [type, { example }] of Object.entries(content))
          expect([route, status, type, example]).not.toContain(undefined);
      }
    }
  }
});

function jsonContents(document: Document): Content[] {
  const answers = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).flatMap(({ responses }) => Object.values(responses)),
  );
  return answers.flatMap(({ content }) =>
    Object.entries(content).flatMap(([type, one]) => (/^application\/(problem\+)?json$/.test(type) ? [one] : [])),
  );
}

test("the examples are what the schemas say", async () => {
  const document = await openApi();
  const contents = jsonContents(document);
  expect(contents.length).toBeGreaterThan(50);
  for (const { schema, example } of contents) {
    const whole = JSON.stringify({ ...schema, $defs: document.components.schemas }).replaceAll(
      "#/components/schemas/",
      "#/$defs/",
    );
    expect(z.fromJSONSchema(JSON.parse(whole)).safeParse(example).error).toBeUndefined();
  }
  expect(snapshotSchema.safeParse(document.components.schemas["Snapshot"]?.examples?.[0]).error).toBeUndefined();
});

test("every problem code is in docs/api-errors.md with its status, and no other", () => {
  const page = readFileSync(new URL("../../../../../docs/api-errors.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `(\w+)` \| (\d{3}) \|/gm)].map(([, code, status]) => `${code} ${status}`);
  expect(rows.sort()).toEqual(
    Object.entries(problems)
      .map(([code, [status]]) => `${code} ${status}`)
      .sort(),
  );
});

test("the documentation page loads nothing from anywhere else", async () => {
  const app = await injectableApi(apiWorld());
  const page = await app.inject("/docs/");
  expect(page.statusCode).toBe(200);
  expect(page.headers["content-security-policy"]).toContain("default-src 'none'");
  for (const [, address = ""] of page.body.matchAll(/(?:src|href)="([^"]+)"/g)) {
    expect(address).toMatch(/^\.\/static\//);
    expect((await app.inject(`/docs/${address}`)).statusCode).toBe(200);
  }
  const initializer = (await app.inject("/docs/static/swagger-initializer.js")).body;
  expect(initializer).toContain('"validatorUrl":null');
});
