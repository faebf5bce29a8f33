import { connect } from "node:net";
import { gunzipSync, gzipSync, zstdDecompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { apiWorld, aSnapshot, injectableApi, servedApi } from "../../../../../test/support/worlds/api-world.ts";
import { memorySnapshots } from "../../../../../test/support/worlds/memory-ports.ts";
import { apiMetrics } from "../../api-metrics.ts";
import { serveApi } from "../../serve-api.ts";

/** N26: what HTTP users expect of long answers, and of asking again. */

const many = (count: number) => Array.from({ length: count }, (_, i) => aSnapshot({ meterId: `m-${i}` }));
const url = "/v1/snapshots?period=2026-10";

test.for([
  ["gzip", gunzipSync],
  ["zstd", zstdDecompressSync],
] as const)("N26: %s of JSON, NDJSON and CSV is the same answer", async ([encoding, unpack]) => {
  const app = await injectableApi(apiWorld({ snapshots: memorySnapshots(...many(50)) }));
  for (const accept of ["application/json", "application/x-ndjson", "text/csv"]) {
    const plain = await app.inject({ url, headers: { accept } });
    const packed = await app.inject({ url, headers: { accept, "accept-encoding": encoding } });
    expect([accept, packed.headers["content-encoding"], packed.headers["vary"]]).toEqual([
      accept,
      encoding,
      "accept, accept-encoding",
    ]);
    expect(packed.rawPayload.length * 4).toBeLessThan(plain.rawPayload.length);
    expect(unpack(packed.rawPayload).toString()).toBe(plain.body);
    expect(packed.headers["content-type"]).toBe(plain.headers["content-type"]);
  }
});

test.for(["gzip", "zstd"])(
  "an answer that is known whole is packed at once by %s, and says its length",
  async (encoding) => {
    const app = await injectableApi(apiWorld({ snapshots: memorySnapshots(...many(300)) }));
    const headers = { "accept-encoding": encoding };
    const whole = await app.inject({ url: `${url}&limit=300`, headers });
    expect([whole.headers["content-encoding"], whole.headers["content-length"]]).toEqual([
      encoding,
      String(whole.rawPayload.length),
    ]);
    // A stream is sent before its end is known.
    const stream = await app.inject({ url, headers: { ...headers, accept: "text/csv" } });
    expect(stream.headers["content-length"]).toBeUndefined();
  },
);

test.for(["identity", "br", "gzip;q=0", "nonsense;;", "*;q=0"])(
  "N26: %s gets the answer as it is",
  async (encoding) => {
    const app = await injectableApi(apiWorld({ snapshots: memorySnapshots(...many(50)) }));
    const answer = await app.inject({ url, headers: { "accept-encoding": encoding } });
    expect([answer.statusCode, answer.headers["content-encoding"]]).toEqual([200, undefined]);
    expect(answer.json().items).toHaveLength(50);
  },
);

test("N26: a HEAD says what a GET would, and has no body", async () => {
  const { address } = await servedApi(apiWorld({ snapshots: memorySnapshots(...many(50)) }));
  const headers = { "accept-encoding": "gzip" };
  const [head, get] = await Promise.all(
    ["HEAD", "GET"].map((method) => fetch(`http://${address}${url}`, { method, headers })),
  );
  expect(head?.status).toBe(200);
  expect(head?.headers.get("content-type")).toBe(get?.headers.get("content-type"));
  expect(head?.headers.get("etag")).toBe(get?.headers.get("etag"));
  expect(await head?.text()).toBe("");
});

test("N26: a packed body of a request is refused, so nothing is unpacked for anybody", async () => {
  const app = await injectableApi(apiWorld());
  const answer = await app.inject({
    method: "PUT",
    url: "/v1/meters/m-1",
    payload: gzipSync("{}"),
    headers: { "content-type": "application/json", "content-encoding": "gzip" },
  });
  expect([answer.statusCode, answer.json().detail]).toEqual([
    415,
    "content-encoding: gzip is not taken; send the body as it is",
  ]);
});

test("N26: what has not changed is answered with 304 and no body; what has, whole", async () => {
  const snapshots = memorySnapshots(aSnapshot());
  const app = await injectableApi(apiWorld({ snapshots }));
  const one = "/v1/meters/m-1/snapshots/2026-10";
  const first = await app.inject({ url: one });
  const { etag } = first.headers;
  expect(first.headers["cache-control"]).toBe("private, no-cache");
  for (const known of [etag, String(etag).slice(2), `"x", ${etag}`, "*"]) {
    const again = await app.inject({ url: one, headers: { "if-none-match": known, "accept-encoding": "gzip" } });
    expect([known, again.statusCode, again.body, again.headers["etag"]]).toEqual([known, 304, "", etag]);
  }
  snapshots.issue(aSnapshot({ revision: 2, hash: `sha256:${"b".repeat(64)}` }));
  const changed = await app.inject({ url: one, headers: { "if-none-match": etag } });
  expect([changed.statusCode, changed.json().revision]).toEqual([200, 2]);
  const problem = await app.inject({ url: "/v1/meters/m-1/snapshots/2026-09", headers: { "if-none-match": "*" } });
  expect([problem.statusCode, problem.headers["cache-control"], problem.headers["etag"]]).toEqual([
    404,
    "no-store",
    undefined,
  ]);
});

test("N26, H14: a packed export that is hung up on gives its slot back, and is not read to its end", async () => {
  const snapshots = memorySnapshots(...many(20_000));
  const metrics = apiMetrics();
  const running: number[] = [];
  const { ports, settings } = apiWorld({ snapshots }, { limits: { exportsMax: 1 } });
  const api = await serveApi(ports, settings, {
    metrics: { ...metrics, exportsRunning: (count) => void running.push(count) },
  });
  const socket = connect(Number(api.address.split(":").at(-1)), "127.0.0.1");
  socket.write(
    `GET ${url}&limit=20000 HTTP/1.1\r\nhost: localhost\r\naccept: text/csv\r\naccept-encoding: gzip\r\n\r\n`.replace(
      "&limit=20000",
      "",
    ),
  );
  await new Promise((resolve) => socket.once("data", resolve));
  socket.destroy();
  await expect.poll(() => running.at(-1), { timeout: 20_000 }).toBe(0);
  expect(running[0]).toBe(1);
  expect(snapshots.calls.filter((name) => name === "latest").length).toBeLessThan(21);
  await api.close();
});
