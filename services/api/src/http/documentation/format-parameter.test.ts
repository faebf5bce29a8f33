import { expect, test } from "vitest";
import { apiWorld, aSnapshot, injectableApi } from "../../../../../test/support/worlds/api-world.ts";
import { memorySnapshots } from "../../../../../test/support/worlds/memory-ports.ts";

test.for([
  { format: "csv", type: "text/csv", name: "snapshots-2026-10.csv" },
  { format: "ndjson", type: "application/x-ndjson", name: "snapshots-2026-10.ndjson" },
])("N16: ?format=$format stands for Accept, and the download has a name", async ({ format, type, name }) => {
  const app = await injectableApi(apiWorld({ snapshots: memorySnapshots(aSnapshot()) }));
  const answer = await app.inject(`/v1/snapshots?period=2026-10&format=${format}`);
  expect([answer.statusCode, answer.headers["content-type"]]).toEqual([200, `${type}; charset=utf-8`]);
  expect(answer.headers["content-disposition"]).toBe(`attachment; filename="${name}"`);
});

test("N16: json is a format, others are refused by name, calls with one format have no such parameter", async () => {
  const app = await injectableApi(apiWorld({ snapshots: memorySnapshots(aSnapshot()) }));
  const json = await app.inject({ url: "/v1/snapshots?period=2026-10&format=json", headers: { accept: "text/csv" } });
  expect(json.headers["content-type"]).toContain("application/json");
  for (const url of ["/v1/snapshots?period=2026-10&format=pdf", "/v1/periods/2026-10?format=csv"])
    expect((await app.inject(url)).json().errors[0].field).toBe("format");
  const { paths } = (await app.inject("/openapi.json")).json();
  const names = paths["/v1/snapshots"].get.parameters.map(({ name }: { name: string }) => name);
  expect(names).toContain("format");
});
