import { connect } from "node:net";
import { parsePeriod } from "@meterbook/core/domain/snapshot/snapshot";
import { expect, test } from "vitest";
import { apiWorld, aSnapshot, injectableApi, servedApi } from "../../../../test/support/worlds/api-world.ts";
import { memorySnapshots } from "../../../../test/support/worlds/memory-ports.ts";

async function raw(address: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect(Number(address.split(":").at(-1)), "127.0.0.1", () => socket.write(text));
    socket.on("data", (data) => (received += data.toString()));
    socket.on("close", () => resolve(received));
    socket.on("error", reject);
  });
}

test.for(["QUERY", "TRACE", "PATCH", "PROPFIND", "OPTIONS", "DELETE"])(
  "H19: %s of a known address is 405",
  async (method) => {
    const { address } = await servedApi(apiWorld());
    const answer = await raw(
      address,
      `${method} /v1/meters/m-1 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: text/x\r\ncontent-length: ${method === "TRACE" ? 0 : 1}\r\n\r\n${method === "TRACE" ? "" : "x"}`,
    );
    expect(answer).toContain("HTTP/1.1 405");
    expect(answer.toLowerCase()).toContain("allow: get, head, put");
    expect(answer).toContain("method_not_allowed");
  },
);

test("H19: CONNECT is 405 and ends the connection", async () => {
  const { address } = await servedApi(apiWorld());
  expect(await raw(address, "CONNECT a.example:443 HTTP/1.1\r\nhost: localhost\r\n\r\n")).toMatch(
    /^HTTP\/1.1 405 .*\r\nallow: GET, HEAD, POST, PUT\r\n/s,
  );
});

test("H19: a request without Host is 400", async () => {
  const { address } = await servedApi(apiWorld());
  expect(await raw(address, "GET /healthz HTTP/1.1\r\n\r\n")).toContain("HTTP/1.1 400");
});

test("H19: a request with two hosts is 400, also where both are right", async () => {
  const { address } = await servedApi(apiWorld());
  const answer = await raw(
    address,
    `GET /v1/status HTTP/1.1\r\nHost: ${address}\r\nhost: ${address}\r\nConnection: close\r\n\r\n`,
  );
  expect(answer).toContain("HTTP/1.1 400");
  expect(answer).toContain('"code":"request_malformed"');
});

test("H19: the documented pattern of a period takes what the rule takes", async () => {
  const app = await injectableApi(apiWorld());
  const { paths } = (await app.inject("/openapi.json")).json();
  const [{ schema }] = paths["/v1/snapshots"].get.parameters.filter(({ name }: { name: string }) => name === "period");
  const pattern = new RegExp(schema.pattern);
  const samples = [
    "2000-12",
    "2001-01",
    "2009-12",
    "2010-01",
    "2099-12",
    "2100-01",
    "2026-00",
    "2026-13",
    "2026-1",
    "x",
  ];
  for (const text of samples) expect([text, pattern.test(text)]).toEqual([text, parsePeriod(text) !== undefined]);
});

test("N04: no cursor is filled in with an example", async () => {
  const app = await injectableApi(apiWorld());
  const { paths } = (await app.inject("/openapi.json")).json() as {
    paths: Record<string, Record<string, { parameters?: { name: string; schema?: object; example?: unknown }[] }>>;
  };
  const parameters = Object.values(paths).flatMap((methods) =>
    Object.values(methods).flatMap(({ parameters: all = [] }) => all),
  );
  const cursors = parameters.filter(({ name }) => name === "cursor" || name === "after");
  expect(cursors.length).toBeGreaterThan(5);
  for (const one of cursors) expect(JSON.stringify(one)).not.toContain("xample");
});

test.for(["/v1/meters?cursor=", "/v1/snapshots?period=2026-10&cursor=", "/v1/snapshots/changes?after=&cursor="])(
  "N19: an empty cursor counts as absent: %s",
  async (url) => {
    const app = await injectableApi(apiWorld({ snapshots: memorySnapshots(aSnapshot()) }));
    expect((await app.inject(url)).statusCode).toBe(200);
  },
);

test.for(["/v1/status", "/v1/snapshots?period=2026-10", "/v1/meters"])(
  "N26: HEAD %s is as GET without a body",
  async (url) => {
    const app = await injectableApi(apiWorld({ snapshots: memorySnapshots(aSnapshot()) }));
    for (const accept of ["application/json", "text/csv"]) {
      if (url === "/v1/status" && accept === "text/csv") continue;
      const [head, get] = await Promise.all([
        app.inject({ method: "HEAD", url, headers: { accept } }),
        app.inject({ url, headers: { accept } }),
      ]);
      expect([head.statusCode, head.headers["content-type"], head.body]).toEqual([
        200,
        get.headers["content-type"],
        "",
      ]);
    }
  },
);
