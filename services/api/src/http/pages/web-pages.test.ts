import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { apiWorld, injectableApi } from "../../../../../test/support/worlds/api-world.ts";

const script = "console.log(1)".repeat(200);

function builtFolder(): string {
  const directory = mkdtempSync(join(tmpdir(), "meterbook-pages-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, "assets"));
  writeFileSync(join(directory, "index.html"), "<!doctype html><title>Meterbook</title>");
  writeFileSync(join(directory, "assets", "main-abc.js"), script);
  writeFileSync(join(directory, "assets", "main-abc.js.gz"), gzipSync(script));
  return directory;
}

async function withPages(pages = builtFolder()) {
  const app = await injectableApi(apiWorld({}, { pages }));
  return (url: string, headers: Record<string, string> = {}, method: "GET" | "HEAD" | "POST" = "GET") =>
    app.inject({ method, url, headers: { host: "localhost", ...headers } });
}

test.each(["/", "/meters/m-1", "/meters/m-1/months/2026-10?x=1", "/months/2026-10", "/intake", "/search?q=1"])(
  "%s is the page, whatever is asked for",
  async (url) => {
    const get = await withPages();
    const answer = await get(url, { accept: "*/*" });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(answer.headers["cache-control"]).toBe("no-cache");
    expect((await get(url, {}, "HEAD")).statusCode).toBe(200);
  },
);

test("the page runs no inline script and asks no other origin", async () => {
  const get = await withPages();
  const policy = String((await get("/")).headers["content-security-policy"]);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self';");
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
});

test("a browser at an unknown address gets the page with 404, a program the problem", async () => {
  const get = await withPages();
  const page = await get("/nowhere", { accept: "text/html,*/*;q=0.8" });
  expect([page.statusCode, page.headers["content-type"]]).toEqual([404, "text/html; charset=utf-8"]);
  for (const url of ["/nowhere", "/v1/nowhere", "/assets/gone.js"]) {
    const answer = await get(url, { accept: "*/*" });
    expect([url, answer.statusCode, answer.json().code]).toEqual([url, 404, "route_unknown"]);
  }
  expect((await get("/nowhere", { accept: "text/html" }, "POST")).json().code).toBe("route_unknown");
});

test("a browser that asks for an unknown call of the API gets no page", async () => {
  const get = await withPages();
  const answer = await get("/v1/nowhere", { accept: "text/html" });
  expect(answer.json().code).toBe("route_unknown");
});

test("files are sent as small as they were made, are kept for ever under their name, and are not sent twice", async () => {
  const get = await withPages();
  const packed = await get("/assets/main-abc.js", { "accept-encoding": "gzip, br" });
  expect(packed.headers["content-encoding"]).toBe("gzip");
  expect(packed.rawPayload).toEqual(gzipSync(script));
  expect(packed.headers["cache-control"]).toContain("immutable");
  expect((await get("/assets/main-abc.js")).body).toBe(script);
  const again = await get("/assets/main-abc.js", { "if-none-match": String(packed.headers.etag) });
  expect([again.statusCode, again.body]).toEqual([304, ""]);
});

test("where they were not built, the page says how to have them, and the API works", async () => {
  const get = await withPages(join(tmpdir(), "no-such-folder"));
  const page = await get("/");
  expect([page.statusCode, page.body]).toEqual([503, expect.stringContaining("npm run build-web")]);
  expect((await get("/v1/status")).statusCode).toBe(200);
});
