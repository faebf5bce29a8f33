import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { watchFiles } from "@meterbook/adapters/certificates/watched-files";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { expect, onTestFinished, test, vi } from "vitest";
import { apiWorld, injectableApi, servedApi } from "../../../test/support/worlds/api-world.ts";
import { memorySeries } from "../../../test/support/worlds/memory-ports.ts";
import { silentEvents } from "./api-events.ts";
import { makeKey } from "./http/access/api-keys.ts";
import type { WatchFiles } from "./http/access/keys-file.ts";
import { scopes, scopeTable } from "./http/access/scope-table.ts";
import { serveApi } from "./serve-api.ts";

function keysFile(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), "meterbook-keys-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "keys.jsonl");
  writeFileSync(file, text);
  return file;
}

test("without a keys file it refuses to listen beyond loopback, and names the setting", async () => {
  const { ports, settings } = apiWorld({}, { listen: { host: "0.0.0.0", port: 0 } });
  await expect(serveApi(ports, settings)).rejects.toThrow("METERBOOK_API_KEYS_FILE");
});

test.for([
  { case: "absent", file: () => join(tmpdir(), "no-such-file"), message: "ENOENT" },
  { case: "empty", file: () => keysFile("# none\n\n"), message: "there is no key in it" },
  { case: "no JSON", file: () => keysFile("secret\n"), message: "line 1 is not JSON" },
  {
    case: "a wrong scope",
    file: () => keysFile('{"name":"a","sha256":"00","scopes":["root"]}'),
    message: "line 1: scopes.0:",
  },
])("a keys file that is $case stops the start", async ({ file, message }) => {
  const { ports, settings } = apiWorld({}, { apiKeysFile: file() });
  await expect(serveApi(ports, settings)).rejects.toThrow(/METERBOOK_API_KEYS_FILE/);
  await expect(serveApi(ports, settings)).rejects.toThrow(message);
});

test("every route lets in the keys of its scopes and nobody else", async () => {
  const keys = scopes.map((scope) => ({ scope, ...makeKey(`key-${scope}`, [scope]) }));
  const file = keysFile(keys.map(({ stored }) => JSON.stringify(stored)).join("\n"));
  const app = await injectableApi(apiWorld({}, { apiKeysFile: file, listen: { host: "0.0.0.0", port: 0 } }));
  for (const [route, allowed] of Object.entries(scopeTable)) {
    const [method = "", path = ""] = route.split(" ");
    const url = path.replace(":meterId", "m-1").replace(":period", "2026-10").replace(":id", "1");
    const call = async (authorization?: string) =>
      app.inject({ method: method as "GET", url, headers: authorization === undefined ? {} : { authorization } });
    const bare = await call();
    expect([route, bare.statusCode, bare.json().code]).toEqual([route, 401, "key_missing"]);
    expect(bare.headers["www-authenticate"]).toContain("Bearer");
    expect((await call("Bearer mb_guess")).json().code).toBe("key_unknown");
    for (const { scope, key } of keys) {
      const isAllowed = allowed.some((one) => one === scope);
      // A stream of events has no end: whether it begins is all that is asked.
      if (isAllowed && path.endsWith("/events")) {
        const headers = { authorization: `Bearer ${key}` };
        const begun = await app.inject({ method: "GET", url, headers, payloadAsStream: true });
        expect([route, scope, begun.statusCode]).toEqual([route, scope, 200]);
        begun.stream().destroy();
        continue;
      }
      const { statusCode, body } = await call(`Bearer ${key}`);
      const refused = statusCode === 403 && body.includes("scope_missing");
      expect([route, scope, refused]).toEqual([route, scope, !isAllowed]);
      expect(statusCode).not.toBe(401);
    }
  }
  for (const url of ["/healthz", "/readyz", "/openapi.json", "/docs/"])
    expect((await app.inject(url)).statusCode).toBe(200);
});

test("H15: keys that are added or struck off count without a restart; a file that cannot be used is told", async () => {
  const [old, fresh] = [makeKey("old", ["operator"]), makeKey("fresh", ["operator"])];
  const file = keysFile(JSON.stringify(old.stored));
  const watch: WatchFiles = (options) => watchFiles({ ...options, everyMs: 20 });
  const app = await injectableApi(apiWorld({}, { apiKeysFile: file, watchFiles: watch }));
  const status = async (key: string) =>
    (await app.inject({ url: "/v1/status", headers: { authorization: `Bearer ${key}` } })).statusCode;
  const notices = async () => (await app.inject("/readyz")).json().notices;
  expect([await status(old.key), await status(fresh.key), await notices()]).toEqual([200, 401, []]);
  writeFileSync(file, JSON.stringify(fresh.stored).slice(0, 40));
  await expect.poll(notices).toEqual([expect.stringMatching(/METERBOOK_API_KEYS_FILE .*line 1 is not JSON.*stay/s)]);
  expect([await status(old.key), await status(fresh.key)]).toEqual([200, 401]);
  writeFileSync(file, JSON.stringify(fresh.stored));
  await expect.poll(notices).toEqual([]);
  expect([await status(old.key), await status(fresh.key)]).toEqual([401, 200]);
});

test("H15: a key with an end is a notice before it, and no key after it", async () => {
  const nowMs = Date.parse("2026-11-10T12:00:00Z");
  const clock = { nowMs: () => nowMs + passedMs };
  let passedMs = 0;
  const [ends, stays] = [makeKey("ends", ["operator"], "2026-11-20T00:00:00Z"), makeKey("stays", ["operator"])];
  const file = keysFile(`${JSON.stringify(ends.stored)}\n${JSON.stringify(stays.stored)}`);
  const keyNoticeMs = 7 * 86_400_000;
  const app = await injectableApi(apiWorld({ clock }, { apiKeysFile: file, keyNoticeMs }));
  const call = (key: string) => app.inject({ url: "/v1/status", headers: { authorization: `Bearer ${key}` } });
  const notices = async () => (await app.inject("/readyz")).json().notices;
  expect(await notices()).toEqual([]);
  passedMs = 3 * 86_400_000;
  expect(await notices()).toEqual(["METERBOOK_API_KEYS_FILE: the key ends ends at 2026-11-20T00:00:00Z"]);
  expect((await call(ends.key)).statusCode).toBe(200);
  passedMs = 10 * 86_400_000;
  expect(await notices()).toEqual(["METERBOOK_API_KEYS_FILE: the key ends ended at 2026-11-20T00:00:00Z"]);
  expect((await call(ends.key)).json()).toMatchObject({ status: 401, code: "key_unknown" });
  expect((await call(stays.key)).statusCode).toBe(200);
});

test("the keys file holds the hash, never the key", () => {
  const { key, stored } = makeKey("billing-1", ["billing"]);
  expect(stored.sha256).toBe(createHash("sha256").update(key).digest("hex"));
  expect(JSON.stringify(stored)).not.toContain(key);
  expect(() => makeKey("bill ing", ["billing"])).toThrow();
  expect(() => makeKey("billing-1", [])).toThrow();
});

test.for([
  { case: "another name for this machine", headers: { host: "attacker.example" }, status: 403 },
  {
    case: "a page of another site",
    headers: { host: "localhost:8080", origin: "https://attacker.example" },
    status: 403,
  },
  { case: "a sandboxed page", headers: { host: "localhost:8080", origin: "null" }, status: 403 },
  { case: "its own page", headers: { host: "localhost:8080", origin: "http://localhost:8080" }, status: 200 },
  { case: "a program", headers: { host: "127.0.0.1:8080" }, status: 200 },
  { case: "a program over IPv6", headers: { host: "[::1]:8080" }, status: 200 },
])("open on loopback: $case gets $status", async ({ headers, status }) => {
  const app = await injectableApi(apiWorld());
  const answer = await app.inject({ url: "/v1/status", headers });
  expect(answer.statusCode).toBe(status);
});

test.for([
  { method: "GET", url: "/v1/nothing", status: 404, code: "route_unknown" },
  { method: "DELETE", url: "/v1/meters/m-1", status: 405, code: "method_not_allowed", allow: "GET, HEAD, PUT" },
  { method: "GET", url: "/v1/meters:import", status: 405, code: "method_not_allowed", allow: "POST" },
  { method: "POST", url: "/v1/snapshots?period=2026-10", status: 405, code: "method_not_allowed", allow: "GET, HEAD" },
  { method: "HEAD", url: "/v1/snapshots?period=2026-10", status: 200, code: undefined },
  { method: "HEAD", url: "/healthz", status: 200, code: undefined },
  { method: "GET", url: "/v1/meters/%zz", status: 400, code: "url_invalid" },
] as const)("$method $url is $status", async ({ method, url, status, code, ...more }) => {
  const app = await injectableApi(apiWorld());
  const answer = await app.inject({ method, url });
  expect(answer.statusCode).toBe(status);
  if (code !== undefined) expect(answer.json()).toMatchObject({ status, code, type: `urn:meterbook:problem:${code}` });
  if (code !== undefined) expect(answer.headers["content-type"]).toContain("application/problem+json");
  if ("allow" in more) expect(answer.headers.allow).toBe(more.allow);
});

test("all that is wrong with a request is told at once", async () => {
  const app = await injectableApi(apiWorld());
  const answer = await app.inject("/v1/meters/-m/curve?register=18&from=2026-10-01T00:00:00&resolution=PT5M&limit=3");
  expect(answer.statusCode).toBe(400);
  const { code, errors, detail } = answer.json();
  expect(code).toBe("request_invalid");
  expect(errors.map(({ field }: { field: string }) => field).sort()).toEqual([
    "from",
    "limit",
    "meterId",
    "register",
    "resolution",
    "to",
  ]);
  expect(detail).toContain("to: is required");
  expect(detail).toContain("limit: there is no such parameter");
});

test.for(["2026-13", "2026-1", "202610", "2026-10-01", "1999-01"])(
  "period %s is refused and the form is named",
  async (period) => {
    const app = await injectableApi(apiWorld());
    for (const url of [
      `/v1/periods/${period}`,
      `/v1/snapshots?period=${period}`,
      `/v1/meters/m-1/snapshots/${period}`,
    ]) {
      const answer = await app.inject(url);
      expect(answer.json()).toMatchObject({ status: 400, code: "period_invalid" });
      expect(answer.json().detail).toContain("YYYY-MM");
    }
  },
);

test.for([
  { type: "application/json", body: "{", status: 400, code: "json_invalid" },
  { type: "application/json", body: "", status: 400, code: "json_invalid" },
  { type: "application/json", body: '{"__proto__":{}}', status: 400, code: "json_invalid" },
  { type: "application/json", body: `{"x":"${"x".repeat(300_000)}"}`, status: 413, code: "body_too_large" },
  { type: "text/csv", body: "a,b", status: 415, code: "media_type_unsupported" },
  { type: "application/json", body: "[]", status: 400, code: "request_invalid" },
])("PUT with $type $status is $code", async ({ type, body, status, code }) => {
  const app = await injectableApi(apiWorld());
  const answer = await app.inject({
    method: "PUT",
    url: "/v1/meters/m-1",
    headers: { "content-type": type },
    payload: body,
  });
  expect(answer.json()).toMatchObject({ status, code });
});

test("storage that fails is 503, a bug is 500, and both are told without inner details", async () => {
  const requestFailed = vi.fn();
  const failing = async (error: Error) => {
    const series = { ...memorySeries({}), totals: () => Promise.reject(error) };
    const app = await injectableApi(apiWorld({ series }), { events: { ...silentEvents, requestFailed } });
    return app.inject("/v1/status");
  };
  const away = await failing(new AdapterError("store_read_failed", { retryable: true, detail: "password=hunter2" }));
  expect(away.json()).toMatchObject({ status: 503, code: "storage_unavailable" });
  expect(away.headers["retry-after"]).toBe("5");
  const bug = await failing(new TypeError("secret is not a function"));
  expect(bug.json()).toMatchObject({ status: 500, code: "internal" });
  expect(away.body + bug.body).not.toMatch(/hunter2|secret/);
  expect(requestFailed.mock.calls.map(([failure]) => failure.code)).toEqual(["storage_unavailable", "internal"]);
});

test("headers that are too large and what is not HTTP get a problem document too", async () => {
  const { address } = await servedApi(apiWorld());
  const port = Number(address.split(":").at(-1));
  const send = (text: string) =>
    new Promise<string>((resolve, reject) => {
      let received = "";
      const socket = connect(port, "127.0.0.1", () => socket.write(text));
      socket.on("data", (data) => (received += data.toString()));
      socket.on("close", () => resolve(received));
      socket.on("error", reject);
    });
  expect(await send(`GET /v1/status HTTP/1.1\r\nhost: localhost\r\nx: ${"x".repeat(20_000)}\r\n\r\n`)).toContain(
    "headers_too_large",
  );
  expect(await send("hello\r\n\r\n")).toContain("request_malformed");
});

test("health, readiness and metrics", async () => {
  const app = await injectableApi(apiWorld({ health: async () => ({ ready: false, problems: ["the disk is full"] }) }));
  expect((await app.inject("/healthz")).json()).toEqual({ alive: true });
  const ready = await app.inject("/readyz");
  expect([ready.statusCode, ready.json()]).toEqual([
    503,
    { ready: false, problems: ["the disk is full"], notices: [] },
  ]);
  const metrics = (await app.inject("/metrics")).body;
  expect(metrics).toContain(
    'meterbook_api_request_duration_seconds_count{route="/readyz",method="GET",status="503"} 1',
  );
  expect(metrics).toContain("other_total 1\n");
});

test("it listens, says where, and closes", async () => {
  const { ports, settings } = apiWorld();
  const api = await serveApi(ports, settings);
  expect((await fetch(`http://${api.address}/healthz`)).status).toBe(200);
  await api.close();
  await expect(fetch(`http://${api.address}/healthz`)).rejects.toThrow();
});

test("a stop waits for the calls under way and not for their connections", async () => {
  const [begun, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const health = async () => {
    begun.resolve();
    await held.promise;
    return { ready: true, problems: [], notices: [] };
  };
  const { ports, settings } = apiWorld({ health }, { limits: { closeMs: 60_000, keepAliveMs: 60_000 } });
  const api = await serveApi(ports, settings);
  const asked = fetch(`http://${api.address}/readyz`);
  await begun.promise;
  const closed = api.close();
  const isOpen = () =>
    fetch(`http://${api.address}/healthz`).then(
      () => true,
      () => false,
    );
  await expect.poll(isOpen).toBe(false);
  held.resolve();
  const answer = await asked;
  expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining({ ready: true })]);
  await closed;
});
