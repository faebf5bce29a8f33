// Goal: what an operator sees when a process starts, stops and dies. Method: real processes, real signals.
import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { runProcess } from "../fixtures/run-process.ts";

async function takenPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}

test.for(["SIGTERM", "SIGINT"] as const)("%s closes what is owned, newest first, and exits 0", async (signal) => {
  const service = runProcess("service.ts", ["runs"]);
  await service.said("ready");
  service.signal(signal);
  const { code, out, err } = await service.ended;
  expect(code, err).toBe(0);
  expect(out).toEqual(["ready", "closed second", "closed first"]);
});

test("a signal during the start closes what is open already and exits 0", async () => {
  const service = runProcess("service.ts", ["start hangs"]);
  await service.said("ready");
  service.signal("SIGTERM");
  expect(await service.ended).toMatchObject({ code: 0, out: ["ready", "closed second", "closed first"] });
});

test("a second Ctrl-C exits at once", async () => {
  const service = runProcess("service.ts", ["close hangs"]);
  await service.said("ready");
  service.signal("SIGINT");
  const again = setInterval(() => service.signal("SIGINT"), 600);
  const { code } = await service.ended;
  clearInterval(again);
  expect(code).toBe(130);
});

test("two Ctrl-C in one moment are one wish: npm passes on what the terminal has sent us already", async () => {
  const service = runProcess("service.ts", ["close takes", "300"]);
  await service.said("ready");
  service.signal("SIGINT");
  await service.said("closing third");
  service.signal("SIGINT");
  expect(await service.ended).toMatchObject({ code: 0 });
});

test("closing is limited in time, and what did not close is named", async () => {
  const service = runProcess("service.ts", ["close hangs", "200"]);
  await service.said("ready");
  service.signal("SIGTERM");
  const { code, err } = await service.ended;
  expect(code).toBe(1);
  expect(err).toContain("third, second, first: not closed within 0.2 s");
});

test("a part that fails to close does not keep the others open", async () => {
  const service = runProcess("service.ts", ["close fails"]);
  await service.said("ready");
  service.signal("SIGTERM");
  const { code, out, err } = await service.ended;
  expect(code).toBe(1);
  expect(out).toEqual(["ready", "closed second", "closed first"]);
  expect(err).toContain("third: planted failure");
});

test("a port that is taken is one line with the setting's name, and exit 1", async () => {
  const port = await takenPort();
  const { code, out, err } = await runProcess("service.ts", ["port taken", String(port)]).ended;
  expect(code).toBe(1);
  expect(out).toEqual(["closed second", "closed first"]);
  expect(err.trim().split("\n")).toHaveLength(1);
  expect(err).toContain(`127.0.0.1:${port} is in use by another program`);
  expect(err).toContain("METERBOOK_MQTT_LISTEN");
});

test("a start that fails by a bug shows its stack and exits 1", async () => {
  const { code, err } = await runProcess("service.ts", ["start fails"]).ended;
  expect(code).toBe(1);
  expect(err).toContain("Cannot start: planted failure");
  expect(err).toContain("service.ts:");
});

test("a thread that dies takes the whole process with it", async () => {
  const service = runProcess("service.ts", ["thread"]);
  await service.said("ready");
  const { code, err } = await service.ended;
  expect(code).toBe(1);
  expect(err).toContain("thread worker died, so the process ends: Error: planted crash");
});

test.for([
  { spec: "half-way", last: "before 1" },
  { spec: "half-way:3", last: "before 3" },
  { spec: "half-way:4", last: "ready" },
  { spec: "elsewhere", last: "ready" },
])("the crash point $spec kills the process right there", async ({ spec, last }) => {
  const service = runProcess("service.ts", ["crash point", spec]);
  if (last === "ready") await service.said("ready").then(() => service.signal("SIGKILL"));
  const { signal, out } = await service.ended;
  expect(signal).toBe("SIGKILL");
  expect(out.at(-1)).toBe(last);
});
