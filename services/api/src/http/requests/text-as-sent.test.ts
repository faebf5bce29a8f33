import { expect, test } from "vitest";
import { apiWorld, injectableApi } from "../../../../../test/support/worlds/api-world.ts";

/** What comes is kept as it was meant, or refused: never changed without a word. */

const outage = '{"usagePoints":["up-1"],"from":"2026-09-10T14:20:00Z","reason":"';
/** `дерево` as a spreadsheet saves it in Windows-1251. */
const cyrillic = Buffer.from([0xe4, 0xe5, 0xf0, 0xe5, 0xe2, 0xee]);

async function put(payload: string | Buffer) {
  const app = await injectableApi(apiWorld());
  const headers = { "content-type": "application/json" };
  return app.inject({ method: "PUT", url: "/v1/outages/o-1", headers, payload });
}

test.for([
  { body: Buffer.concat([Buffer.from(outage), cyrillic, Buffer.from('"}')]), detail: "is not UTF-8" },
  { body: `${outage}\\ud800"}`, detail: "half of a character" },
  { body: `${outage}\\uDC00\\ud83d"}`, detail: "half of a character" },
  { body: `${outage}x","reason":"y"}`, detail: '"reason" is there twice' },
])("a body is refused: $detail", async ({ body, detail }) => {
  const answer = await put(body);
  expect(answer.json()).toMatchObject({ status: 400, code: "json_invalid", detail: expect.stringContaining(detail) });
});

test.for(["дерево", "\\ud83d\\udca1", "\\\\ud800", "💡"])("%s is kept as it is", async (reason) => {
  const answer = await put(`${outage}${reason}"}`);
  expect(answer.statusCode).toBe(200);
  expect(answer.json().reason).toBe(JSON.parse(`"${reason}"`));
});

test.for(["text/csv", "application/x-ndjson"])("an import refuses lines that are not UTF-8: %s", async (type) => {
  const app = await injectableApi(apiWorld());
  const lines =
    type === "text/csv"
      ? ["outage_id,from,usage_points,reason\no-1,2026-09-10T14:20:00Z,up-1,", "\no-2,2026-09-10T14:20:00Z,up-1,x\n"]
      : [`{"outageId":"o-1",${outage.slice(1)}`, `"}\n{"outageId":"o-2",${outage.slice(1)}x"}\n`];
  const payload = Buffer.concat([Buffer.from(lines[0] ?? ""), cyrillic, Buffer.from(lines[1] ?? "")]);
  const answer = await app.inject({
    method: "POST",
    url: "/v1/outages:import",
    headers: { "content-type": type },
    payload,
  });
  expect(answer.json()).toMatchObject({ stored: 1, refused: 1 });
  expect(answer.json().results[0].errors).toEqual([{ field: "line", message: expect.stringContaining("not UTF-8") }]);
});

test("a line of an import that has a member twice is refused", async () => {
  const app = await injectableApi(apiWorld());
  const payload = `{"outageId":"o-1",${outage.slice(1)}x","reason":"y"}\n`;
  const headers = { "content-type": "application/x-ndjson" };
  const answer = await app.inject({ method: "POST", url: "/v1/outages:import", headers, payload });
  expect(answer.json().results[0].errors).toEqual([
    { field: "line", message: '"reason" is there twice in one object' },
  ]);
});

test("a file in UTF-16 is told as one that is not UTF-8, and not as unknown columns", async () => {
  const app = await injectableApi(apiWorld());
  const payload = Buffer.from("\uFEFFmeter_id,register,unit\n", "utf16le");
  const answer = await app.inject({
    method: "POST",
    url: "/v1/meters:import",
    headers: { "content-type": "text/csv" },
    payload,
  });
  expect(answer.json()).toMatchObject({
    status: 400,
    errors: [{ field: "header", message: expect.stringContaining("UTF-8") }],
  });
});
