import { connect } from "node:net";
import { expect, test } from "vitest";
import { apiWorld, injectableApi, servedApi } from "../../../../../test/support/worlds/api-world.ts";

/** Rows of hostile.md: what an import makes us hold and answer is bounded, whatever its body. */

async function imported(payload: string, type = "application/x-ndjson") {
  const app = await injectableApi(apiWorld());
  return app.inject({ method: "POST", url: "/v1/meters:import", headers: { "content-type": type }, payload });
}

test.for([
  { case: "too many wrong registers", line: `{"meterId":"m-1","registers":[${"{},".repeat(20_000)}{}]}` },
  { case: "unknown members", line: `{${Array.from({ length: 5000 }, (_, i) => `"k${i}":1`).join(",")}}` },
  { case: "a name of 60 kB", line: JSON.stringify({ meterId: "m".repeat(60_000), zone: "z".repeat(100) }) },
  {
    case: "values of registers that are not there",
    line: `{"meterId":"m-1","installed":{"at":"x","values":{${Array.from({ length: 4000 }, (_, i) => `"${i}":1`).join(",")}}}}`,
  },
])("H12: a line with $case is told in few words", async ({ line }) => {
  const answer = await imported(line);
  expect(answer.statusCode).toBe(200);
  expect(answer.json().refused).toBe(1);
  expect(answer.body.length).toBeLessThan(8000);
});

test("H12: CSV rows of one meter are counted, not kept", async () => {
  const rows = `meter_id,register,unit\n${"m-1,1.8.0,J\n".repeat(50_000)}`;
  const answer = await imported(rows, "text/csv");
  expect(answer.json()).toMatchObject({ refused: 1, results: [{ line: 2, lines: 50_000 }] });
  expect(answer.body.length).toBeLessThan(8000);
});

test("H12: a header of unknown columns is answered in few words", async () => {
  const answer = await imported(`${"a,".repeat(30_000)}b\n`, "text/csv");
  expect(answer.json().code).toBe("request_invalid");
  expect(answer.body.length).toBeLessThan(20_000);
});

test("H12: a PUT of a record with thousands of faults is answered in few words", async () => {
  const app = await injectableApi(apiWorld());
  const registers = Array.from({ length: 60_000 }, () => ({}));
  const answer = await app.inject({ method: "PUT", url: "/v1/meters/m-1", payload: { registers } });
  expect(answer.json().code).toBe("request_invalid");
  expect(answer.body.length).toBeLessThan(20_000);
});

test("H12: 100 000 wrong lines have a result each, errors only as far as the answer may grow", {
  timeout: 60_000,
}, async () => {
  const answer = await imported('{"zone":"Mars","registers":[{}],"x":1}\n'.repeat(100_000));
  const { refused, results, errorsLeftOut } = answer.json();
  expect([refused, results.length]).toEqual([100_000, 100_000]);
  expect(errorsLeftOut).toBeGreaterThan(0);
  expect(results[0].errors.length).toBeGreaterThan(2);
  expect(answer.body.length).toBeLessThan(24_000_000);
});

test("H12: while 60 MB of wrong lines come, health is answered and memory stays", { timeout: 120_000 }, async () => {
  const { address } = await servedApi(apiWorld());
  const port = Number(address.split(":").at(-1));
  const line = `{"meterId":"m-1","registers":[${"{},".repeat(200)}{}],"zone":"Mars"}\n`;
  const piece = Buffer.from(line.repeat(100));
  const times = Math.floor(60_000_000 / piece.length);
  const before = process.memoryUsage().rss;
  let peak = before;
  const socket = connect(port, "127.0.0.1");
  const done = new Promise<string>((resolve) => {
    let head = "";
    socket.on("data", (data) => {
      if (head.length < 20) head += data.toString("latin1");
    });
    socket.on("close", () => resolve(head));
  });
  socket.write(
    `POST /v1/meters:import HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/x-ndjson\r\ncontent-length: ${times * piece.length}\r\n\r\n`,
  );
  const sent = (async () => {
    for (let i = 0; i < times; i += 1)
      if (!socket.write(piece)) await new Promise<void>((go) => void socket.once("drain", go));
  })();
  const waitsMs: number[] = [];
  let over = false;
  void done.then(() => {
    over = true;
  });
  while (!over) {
    const start = performance.now();
    expect((await fetch(`http://${address}/healthz`)).status).toBe(200);
    waitsMs.push(performance.now() - start);
    peak = Math.max(peak, process.memoryUsage().rss);
  }
  await sent;
  expect(await done).toContain("200 OK");
  // Two may have waited for what else the machine does; an import that gives no turns makes all of them wait.
  const [, , third = 0] = waitsMs.sort((a, b) => b - a);
  expect(third).toBeLessThan(250);
  expect(peak - before).toBeLessThan(300_000_000);
});
