import { expect, test } from "vitest";
import { apiWorld, aSnapshot, injectableApi } from "../../../../test/support/worlds/api-world.ts";
import { memorySnapshots } from "../../../../test/support/worlds/memory-ports.ts";

/** Each is answered in words of this trade, with the field and the rule (N24). */

const json = "application/json";
const put = (type: string | undefined, payload: string) => ["PUT", "/v1/meters/m-1", type, payload] as const;
const load = (type: string | undefined, payload: string) => ["POST", "/v1/meters:import", type, payload] as const;
const close = (type: string | undefined, payload: string) =>
  ["POST", "/v1/periods/2026-10/close", type, payload] as const;

test.for([
  [put(undefined, "{}"), 415, "content-type: this call takes application/json; the request names none"],
  [put("text/plain", "{}"), 415, "content-type: this call takes application/json; the request says text/plain"],
  [put("multipart/form-data; boundary=x", "--x--"), 415, "the request says multipart/form-data; boundary=x"],
  [put(`${json}; charset=utf-16`, "{}"), 415, "the body must be UTF-8, and is said to be utf-16"],
  [put(json, ""), 400, "the body is empty; this call takes a JSON object"],
  [put(json, '{"a":}'), 400, "the body: Unexpected token '}'"],
  [put(json, '{"__proto__":{}}'), 400, "no member may be named __proto__"],
  [put(json, "[]"), 400, "body: must be an object, and is a list"],
  [put(json, '{"zone":5}'), 400, "zone: must be text, and is a number"],
  [put(json, '{"registers":{}}'), 400, "registers: must be a list, and is an object"],
  [put(json, '{"stepSeconds":"abc"}'), 400, "stepSeconds: a whole number from 60 to 86400"],
  [put(json, '{"zone":"Mars/Base"}'), 400, "zone: an IANA time zone, such as Europe/Kyiv"],
  [
    put(json, '{"registers":[{"register":"1.8.0","unit":"kW"}]}'),
    400,
    "registers.0.unit: must be one of Wh, kWh, MWh, varh, kvarh, L, m3",
  ],
  [
    put(
      json,
      '{"registers":[{"register":"1.8.0","unit":"Wh"}],"installed":{"at":"2026-01-01T00:00:00Z","values":{"1.8.0":[]}}}',
    ),
    400,
    "installed.values.1.8.0: must be text or a number",
  ],
  [load(undefined, "x"), 415, "content-type: this call takes application/x-ndjson or text/csv; the request names none"],
  [load("text/csv", "meter_id;register;unit\n"), 400, "is this separated by semicolons?"],
  [load("text/csv", "meter_id\tregister\tunit\n"), 400, "is this separated by tabs?"],
  [load("text/csv", '{"meterId":"m-1"}\n'), 400, "the body looks like JSON"],
  [load("application/x-ndjson", "meter_id,register,unit\n"), 400, "the body looks like CSV"],
  [load("application/x-ndjson", '[{"meterId":"m-1"}]'), 400, "body: is a list; send one record a line"],
  [close(json, '{"force":true}'), 400, "body: this call takes no body"],
  [close("text/plain", "now"), 415, "the request says text/plain"],
] as const)("N24: %s is %s", async ([[method, url, type, payload], status, words]) => {
  const app = await injectableApi(apiWorld());
  const answer = await app.inject({
    method,
    url,
    payload,
    headers: type === undefined ? {} : { "content-type": type },
  });
  expect([answer.statusCode, answer.headers["content-type"]]).toEqual([
    status,
    expect.stringMatching(/^application\/problem\+json/),
  ]);
  expect(answer.json().detail).toContain(words);
});

test("N24: a wrong cell of an import is told by its column, its line and what stands in it", async () => {
  const app = await injectableApi(apiWorld());
  const payload = [
    "meter_id,zone,register,unit,digits,multiplier,installed_at,installed_value",
    "m-1,Kyiv,1.8.0,Wh,6,1,,",
    "m-1,Kyiv,2.8.0,kW,abc,1.5,,",
    "m-2,Europe/Kyiv,1.8.0,Wh,6,1,yesterday,12",
  ].join("\n");
  const answer = await app.inject({
    method: "POST",
    url: "/v1/meters:import",
    payload,
    headers: { "content-type": "text/csv" },
  });
  const { results } = answer.json() as { results: { errors: { field: string; message: string }[] }[] };
  expect(results.map(({ errors }) => errors.map(({ field, message }) => `${field} ${message.slice(0, 32)}`))).toEqual([
    [
      'zone line 2: "Kyiv": an IANA time zon',
      'unit line 3: "kW": must be one of Wh,',
      'digits line 3: "abc": a whole number fr',
      'multiplier line 3: "1.5": a whole number fr',
    ],
    [expect.stringMatching(/^installed_at line 4: "yesterday": /)],
  ]);
});

test.for(["", "{}"])("N24: a call without a body takes what clients send for nothing: %j", async (payload) => {
  const app = await injectableApi(apiWorld({ snapshots: memorySnapshots(aSnapshot()) }));
  const headers = { "content-type": json };
  expect((await app.inject({ method: "POST", url: "/v1/periods/2026-10/close", payload, headers })).statusCode).toBe(
    202,
  );
});

test("N24: a parameter that a call does not have is never passed over", async () => {
  const app = await injectableApi(apiWorld());
  const { paths } = (await app.inject("/openapi.json")).json() as { paths: Record<string, Record<string, unknown>> };
  const places: Record<string, string> = { meterId: "m-1", period: "2026-10", id: "r00000000000001" };
  for (const [path, methods] of Object.entries(paths))
    for (const method of Object.keys(methods).filter((one) => path.startsWith("/v1/") && one !== "put")) {
      const url = `${path.replaceAll(/\{(\w+)\}/g, (_, name) => places[name] ?? "x")}?surprise=1`;
      const answer = await app.inject({ method: method as "GET", url });
      expect([method, url, answer.statusCode, answer.body]).toEqual([
        method,
        url,
        400,
        expect.stringContaining("surprise: there is no such parameter"),
      ]);
    }
});
