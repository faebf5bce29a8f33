// Goal: names and numbers of outsiders that mean something to JavaScript, or lie at an edge, are treated like any
// others (siblings of H01 to H03 and H09).
// Method: each is sent to the call that takes it.
import { expect, test } from "vitest";
import { apiWorld, injectableApi } from "../../../../test/support/worlds/api-world.ts";
import { foreignCell } from "./answers/csv-cell.ts";

const inherited = ["constructor", "toString", "__proto__", "hasOwnProperty", "valueOf"];

async function ask(url: string, headers: Record<string, string> = {}) {
  const app = await injectableApi(apiWorld());
  return app.inject({ url, headers });
}

test.for(inherited.flatMap((name) => [`rejected?includeReplayed=${name}`, `damage?acknowledged=${name}`]))(
  "GET /v1/%s is refused",
  async (path) => {
    const answer = await ask(`/v1/${path}`);
    expect([answer.statusCode, answer.json().code]).toEqual([400, "request_invalid"]);
  },
);

test.for(inherited)("a format %s is not offered", async (name) => {
  expect((await ask("/v1/meters", { accept: name })).json().code).toBe("not_acceptable");
  expect((await ask(`/v1/meters?format=${name}`)).json().code).toBe("request_invalid");
});

async function put(body: object | string) {
  const app = await injectableApi(apiWorld());
  const payload = typeof body === "string" ? body : JSON.stringify(body);
  const headers = { "content-type": "application/json" };
  return app.inject({ method: "PUT", url: "/v1/meters/m-1", headers, payload });
}

async function importLine(line: string) {
  const app = await injectableApi(apiWorld());
  const headers = { "content-type": "application/x-ndjson" };
  const answer = await app.inject({ method: "POST", url: "/v1/meters:import", headers, payload: `${line}\n` });
  return answer.json().results[0];
}

const registers = [{ register: "1.8.0", unit: "kWh" }];
const record = (installed: object) => ({ meterId: "m-1", registers, installed });

test.for(inherited)("a unit %s is none, and nothing is said of its values", async (unit) => {
  const values = { "1.8.0": "x" };
  const answer = await put({
    registers: [{ register: "1.8.0", unit }],
    installed: { at: "2026-01-01T00:00:00Z", values },
  });
  expect(answer.statusCode).toBe(400);
  expect(answer.body).not.toContain("undefined");
});

test.for(['{"meterId":"m-1","__proto__":{"zone":"UTC"}}', JSON.stringify(record({})).replace("{}", '{"__proto__":1}')])(
  "%s is refused",
  async (text) => {
    expect(await importLine(text)).toMatchObject({ status: "refused" });
    expect((await put(text)).statusCode).toBe(400);
  },
);

test("a value of a register that no register is called is refused", async () => {
  const text = '{"meterId":"m-1","installed":{"at":"2026-01-01T00:00:00Z","values":{"__proto__":1}}}';
  expect(await importLine(text)).toMatchObject({ status: "refused" });
});

test("one register under two names is refused: which value is right is not for us to say", async () => {
  const values = { "1.8.0": 1, "1-0:1.8.0": 2 };
  const answer = await put(record({ at: "2026-01-01T00:00:00Z", values }));
  expect(answer.statusCode).toBe(400);
  expect(answer.json().errors).toEqual([
    { field: "installed.values.1-0:1.8.0", message: expect.stringContaining("twice") },
  ]);
});

test.for([
  { at: "1969-12-31T23:59:59Z", status: 400 },
  { at: "1970-01-01T00:00:00Z", status: 200 },
  { at: "2099-12-31T23:59:59Z", status: 200 },
  { at: "2100-01-01T00:00:00Z", status: 400 },
  { at: "2106-02-07T06:28:16Z", status: 400 },
  { at: "0000-01-01T00:00:00Z", status: 400 },
  { at: "9999-12-31T23:59:59Z", status: 400 },
])("an installation at $at: $status", async ({ at, status }) => {
  const answer = await put(record({ at, values: { "1.8.0": 1 } }));
  expect(answer.statusCode).toBe(status);
  if (status === 200) expect(answer.json().installed.at).toBe(at);
});

const deep = (depth: number) => `{"channels":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
const wide = (entries: number) => `{"channels":[${"1,".repeat(entries - 2)}1]}`;

test.for([
  { text: deep(8), says: undefined },
  { text: deep(9), says: "nested deeper than 8" },
  { text: deep(30_000), says: "nested deeper than 8" },
  { text: wide(9999), says: undefined },
  { text: wide(10_001), says: "more than 10000 entries" },
])("a body is not parsed where it $says", async ({ text, says }) => {
  const answer = await put(text);
  if (says === undefined) expect(answer.statusCode).toBe(200);
  else
    expect(answer.json()).toMatchObject({
      code: "request_invalid",
      errors: [{ field: "body", message: expect.stringContaining(says) }],
    });
  const line = await importLine(text.replace("{", '{"meterId":"m-1",'));
  if (says === undefined) expect(line.status).toBe("stored");
  else
    expect(line).toMatchObject({
      status: "refused",
      errors: [{ field: "line", message: expect.stringContaining(says) }],
    });
});

test.for(["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "\uFF1D1", "\uFF0B1", "\uFF0D1", "\uFF20x"])(
  "a cell that begins with %j is text to a spreadsheet",
  (text) => {
    expect(foreignCell(text).replace(/^"/, "")).toMatch(/^'/);
  },
);
