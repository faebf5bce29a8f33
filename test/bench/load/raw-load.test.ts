// Goal: the generator sends exactly what its formula says, also when the server dies, and notices what must not be.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import { expect, onTestFinished, test } from "vitest";
import type { Publication } from "../../../simulators/src/fixtures/puback-server.ts";
import { startPubackServer } from "../../../simulators/src/fixtures/puback-server.ts";
import type { Load } from "./raw-load-formula.ts";
import { loadForms, loadMeterId, loadReadings, loadReadingsOf, loadRegisters, loadValue } from "./raw-load-formula.ts";

const generator = fileURLToPath(new URL("./raw-load-generator.ts", import.meta.url));
const MeterReport = protobuf
  .loadSync(fileURLToPath(new URL("../../../proto/meterbook/v1/meter_report.proto", import.meta.url)))
  .lookupType("meterbook.v1.MeterReport");

interface Result {
  readonly acked?: number;
  readonly readings?: number;
  readonly reconnects?: number;
  readonly resent?: number;
  readonly error?: string;
  readonly latencyMs?: Record<string, number>;
  readonly code: number | null;
}

function generate(port: number, options: Record<string, string | number | boolean>): Promise<Result> {
  const args = Object.entries(options).map(([name, value]) => (value === true ? `--${name}` : `--${name}=${value}`));
  const child = spawn(process.execPath, [generator, `--port=${port}`, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  return new Promise((resolve) =>
    child.on("close", (code) => resolve({ ...(JSON.parse(said.trim().split("\n").at(-1) ?? "{}") as object), code })),
  );
}

/** Every reading of the messages as `meter register at value`. */
function readingsIn(messages: readonly Publication[]): string[] {
  return messages.flatMap(({ topic, payload }) => {
    const [, meter] = topic.split("/");
    const report = MeterReport.toObject(MeterReport.decode(payload), {
      longs: Number,
      defaults: true,
      arrays: true,
    }) as {
      readings: { at: number; register: string; value: number; unit: number }[];
      profiles: {
        register: string;
        unit: number;
        start: number;
        stepSeconds: number;
        base: number;
        deltas: number[];
      }[];
    };
    for (const { unit } of [...report.readings, ...report.profiles]) expect(unit).toBe(1);
    const singles = report.readings.map(({ at, register, value }) => `${meter} ${register} ${at} ${value}`);
    const packed = report.profiles.flatMap(({ register, start, stepSeconds, base, deltas }) => {
      let value = base;
      return deltas.map((delta, i) => {
        value += delta;
        return `${meter} ${register} ${start + i * stepSeconds} ${value}`;
      });
    });
    return [...singles, ...packed];
  });
}

function expectedReadings(load: Load): string[] {
  const readings: string[] = [];
  for (let meter = 0; meter < load.meters; meter += 1) {
    for (const [register, name] of loadRegisters.entries()) {
      for (let k = 0; k < loadReadingsOf(load, meter, register); k += 1) {
        readings.push(`${loadMeterId(meter)} ${name} ${load.startAt + k * 900} ${loadValue(meter, register, k)}`);
      }
    }
  }
  return readings;
}

const startAt = 1_767_218_400;

test.for(loadForms)(
  "form %s: every reading of the formula, once, each meter's in order; the server dies on the way",
  async (form) => {
    const load: Load = { messages: 2345, meters: 101, registers: 3, form, startAt };
    const arrived: Publication[] = [];
    let kills = 0;
    const server = await startPubackServer((message) => {
      if (arrived.length > 500 * (kills + 1) && kills < 3) {
        kills += 1;
        void server.kill().then(() => server.start());
        return false;
      }
      arrived.push({ ...message, payload: Buffer.from(message.payload) });
      return true;
    });
    onTestFinished(() => server.kill());
    const result = await generate(server.port, {
      messages: 2345,
      meters: 101,
      connections: 4,
      window: 30,
      "readings-per-message": form,
    });

    expect(result).toMatchObject({ code: 0, acked: 2345, readings: loadReadings(load) });
    expect(kills).toBe(3);
    expect(result.reconnects).toBeGreaterThanOrEqual(3);
    expect(result.resent).toBeGreaterThan(0);
    const readings = readingsIn(arrived);
    expect(new Set(readings).size).toBe(loadReadings(load));
    expect([...new Set(readings)].sort()).toEqual(expectedReadings(load).sort());
    for (const [meter, own] of Map.groupBy(new Set(readings), (reading) => reading.split(" ")[0])) {
      const instants = own
        .filter((reading) => reading.includes("1.8.0"))
        .map((reading) => Number(reading.split(" ")[2]));
      expect([meter, instants]).toEqual([meter, [...instants].sort((a, b) => a - b)]);
    }
  },
);

test("at a rate, with the latencies", async () => {
  const server = await startPubackServer(() => true);
  onTestFinished(() => server.kill());
  const began = performance.now();
  const result = await generate(server.port, { messages: 500, meters: 10, connections: 2, rate: 1000, latency: true });
  expect(performance.now() - began).toBeGreaterThan(450);
  expect(result).toMatchObject({
    code: 0,
    acked: 500,
    latencyMs: { p50: expect.any(Number), max: expect.any(Number) },
  });
});

test("a server that acknowledges the wrong packet, or none, is an error", async () => {
  const wrong = createServer((socket) => {
    socket.once("data", () => {
      socket.write(Buffer.from([0x20, 2, 0, 0]));
      socket.once("data", () => socket.write(Buffer.from([0x40, 2, 0, 2])));
    });
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => wrong.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void wrong.close());
  const { port } = wrong.address() as { port: number };
  expect(await generate(port, { messages: 10, meters: 10, connections: 1 })).toMatchObject({
    code: 1,
    error: expect.stringContaining("where the PUBACK of packet 1 was to come"),
  });

  const silent = await startPubackServer(() => false);
  onTestFinished(() => silent.kill());
  expect(await generate(silent.port, { messages: 10, meters: 10, connections: 1, patience: 1 })).toMatchObject({
    code: 1,
    error: expect.stringContaining("acknowledged nothing for 1 s"),
  });
});
