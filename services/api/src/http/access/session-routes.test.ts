import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { apiWorld, injectableApi } from "../../../../../test/support/worlds/api-world.ts";
import { makeKey } from "./api-keys.ts";
import { sessionSchema } from "./session-routes.ts";

async function guarded() {
  const directory = mkdtempSync(join(tmpdir(), "meterbook-keys-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "keys.jsonl");
  const anna = makeKey("anna", ["analyst"]);
  writeFileSync(file, JSON.stringify(anna.stored));
  const app = await injectableApi(apiWorld({}, { apiKeysFile: file }));
  const call = (method: "GET" | "POST" | "DELETE", url: string, headers: Record<string, string>, payload?: object) =>
    app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
  return { key: anna.key, call };
}

const own = { "sec-fetch-site": "same-origin" };

test("a key is exchanged for a cookie that no script sees and no other site's page can use", async () => {
  const { key, call } = await guarded();
  expect((await call("GET", "/v1/session", {})).json()).toEqual({
    keyNeeded: true,
    name: null,
    scopes: [],
    until: null,
  });
  const begun = await call("POST", "/v1/session", own, { key });
  expect(sessionSchema.parse(begun.json())).toMatchObject({ name: "anna", scopes: ["analyst"] });
  const set = String(begun.headers["set-cookie"]);
  expect(set).toMatch(/^meterbook_session=[\w-]+; Path=\/v1; HttpOnly; SameSite=Strict; Max-Age=43200$/);
  expect(set).not.toContain(key);
  const cookie = set.split(";")[0] ?? "";
  expect((await call("GET", "/v1/status", { cookie, ...own })).statusCode).toBe(200);
  expect((await call("GET", "/v1/session", { cookie, ...own })).json().name).toBe("anna");
  const refused = await call("GET", "/v1/rejected", { cookie, ...own });
  expect(refused.json()).toMatchObject({ status: 403, code: "scope_missing" });
});

test("behind TLS the cookie is for TLS only", async () => {
  const { key, call } = await guarded();
  const begun = await call("POST", "/v1/session", { ...own, "x-forwarded-proto": "https" }, { key });
  expect(begun.headers["set-cookie"]).toContain("; Secure");
});

test.for([
  { "sec-fetch-site": "cross-site" },
  { "sec-fetch-site": "same-site" },
  { origin: "https://elsewhere.example", host: "meterbook.example" },
])("another site's page cannot use the session: %o", async (site) => {
  const { key, call } = await guarded();
  const cookie = String((await call("POST", "/v1/session", own, { key })).headers["set-cookie"]).split(";")[0] ?? "";
  for (const [method, url] of [
    ["GET", "/v1/status"],
    ["POST", "/v1/periods/2026-10/close"],
    ["DELETE", "/v1/session"],
  ] as const) {
    expect((await call(method, url, { cookie, ...(site as Record<string, string>) })).json().code).toBe(
      "origin_refused",
    );
  }
  expect((await call("POST", "/v1/session", site as Record<string, string>, { key })).json().code).toBe(
    "origin_refused",
  );
});

test("a key that is not known signs nobody in, a header wins over the cookie, and signing out ends it", async () => {
  const { key, call } = await guarded();
  expect((await call("POST", "/v1/session", own, { key: "mb_guess" })).json().code).toBe("key_unknown");
  const cookie = String((await call("POST", "/v1/session", own, { key })).headers["set-cookie"]).split(";")[0] ?? "";
  expect((await call("GET", "/v1/status", { cookie, authorization: "Bearer x" })).json().code).toBe("key_unknown");
  const ended = await call("DELETE", "/v1/session", { cookie, ...own });
  expect(ended.headers["set-cookie"]).toContain("Max-Age=0");
  expect((await call("GET", "/v1/session", { cookie: "meterbook_session=AAAA" })).json().name).toBeNull();
});

test("where no key is needed, the caller may do everything and no cookie is set", async () => {
  const app = await injectableApi(apiWorld());
  const headers = { host: "localhost" };
  const open = await app.inject({ url: "/v1/session", headers });
  expect(open.json()).toEqual({
    keyNeeded: false,
    name: null,
    scopes: ["billing", "analyst", "operator", "intake"],
    until: null,
  });
  const begun = await app.inject({ method: "POST", url: "/v1/session", headers, payload: { key: "x" } });
  expect(begun.headers["set-cookie"]).toBeUndefined();
});
