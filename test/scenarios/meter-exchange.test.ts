// Goal: an exchange loses no kWh and bills none twice, whenever it is put in, and what docs/registry.md prints is what
// happens. Method: a real embedded process; meters report over MQTT, the page's commands run in a shell, and statements
// are compared with (old removed - opening) + (closing - new installed).
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StatementJson } from "../../services/api/src/billing/statements/statement-json.ts";
import { publishAll } from "../support/network/publisher.ts";
import { type MeterbookProcess, startMeterbook } from "../support/processes/meterbook-process.ts";

const run = promisify(execFile);
const page = fileURLToPath(new URL("../../docs/registry.md", import.meta.url));

describe("an exchange of meters", { timeout: 120_000 }, () => {
  let meterbook: MeterbookProcess;
  beforeAll(async () => {
    meterbook = await startMeterbook({ METERBOOK_SETTLE_SECONDS: "0", METERBOOK_LOG_LEVEL: "error" });
  }, 60_000);
  afterAll(() => meterbook.dispose());

  async function report(meterId: string, ...readings: readonly (readonly [at: string, kWh: number])[]) {
    const payload = JSON.stringify({
      readings: readings.map(([at, value]) => ({ at, register: "1.8.0", value: String(value), unit: "kWh" })),
    });
    await publishAll(() => meterbook.mqttUrl, [{ topic: `meters/${meterId}/readings/json`, payload }]);
  }

  async function send(method: "PUT" | "POST", path: string, body: object) {
    const headers = { "content-type": "application/json" };
    const answer = await meterbook.request(path, { method, headers, body: JSON.stringify(body) });
    expect([path, answer.status, answer.status < 300 ? "" : await answer.text()]).toEqual([path, answer.status, ""]);
  }

  async function close(...periods: readonly string[]) {
    await meterbook.settled();
    for (const period of periods) {
      const answer = await meterbook.request(`/v1/periods/${period}/close`, {
        method: "POST",
        headers: { prefer: "wait=60" },
      });
      expect(await answer.json()).toMatchObject({ state: "done" });
    }
  }

  async function statement(point: string, period: string): Promise<StatementJson> {
    return meterbook.get(`/v1/usage-points/${point}/statements/${period}`);
  }

  /** In kWh. */
  const total = ({ registers: [row] }: StatementJson) => (row?.consumption == null ? null : row.consumption / 1000);

  const register = { register: "1.8.0", unit: "kWh" };
  const install = (meter: string, point: string, at: string, kWh: number) =>
    send("PUT", `/v1/meters/${meter}`, {
      ...{ usagePointId: point, registers: [register], installed: { at, values: { "1.8.0": kWh } } },
    });
  const exchange = (point: string, at: string, [old, last]: [string, number], [fresh, first]: [string, number]) =>
    send("POST", `/v1/usage-points/${point}/exchange`, {
      at,
      removed: { meterId: old, values: { "1.8.0": last } },
      installed: { meterId: fresh, values: { "1.8.0": first }, registers: [register] },
    });

  test("the commands of docs/registry.md give what the page says", async () => {
    const text = await readFile(page, "utf8");
    const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = ""]) => block);
    const shell = async (block: string) => {
      const here = block.replaceAll("http://127.0.0.1:8080", meterbook.httpUrl).replaceAll("curl ", "curl -sS ");
      return (await run("sh", ["-e", "-c", here])).stdout;
    };
    const [masterData = "", exchanged = "", closed = ""] = blocks;
    await shell(masterData);
    await report("m-1", ["2026-08-15T06:45:00Z", 179.9]);
    await shell(exchanged);
    await report("m-2", ["2026-08-15T07:15:00Z", 7.1], ["2026-08-31T21:00:00Z", 47]);
    const [ask = "", ...more] = closed.split("\n").filter((line) => line.startsWith("curl"));
    expect(more).toHaveLength(1);
    await close("2026-08");
    expect(JSON.parse(await shell(ask))).toMatchObject({ kind: "close" });
    await close("2026-08");
    const answer = JSON.parse(await shell(more[0] ?? "")) as StatementJson;
    expect(answer).toMatchObject({ incomplete: false, void: false, waitsFor: [] });
    expect(total(answer)).toBe(120);
    expect(answer.registers[0]?.segments).toMatchObject([
      { meterId: "m-1", to: "2026-08-15T07:00:00Z", consumption: 80_000 },
      { meterId: "m-2", from: "2026-08-15T07:00:00Z", consumption: 40_000, openingBasis: "installation" },
    ]);
  });

  test("at the midnight between two months: each month is one meter's", async () => {
    await install("a-1", "up-a", "2026-07-31T21:00:00Z", 0);
    await report("a-1", ["2026-08-31T20:45:00Z", 61.9]);
    await exchange("up-a", "2026-08-31T21:00:00Z", ["a-1", 62], ["a-2", 5]);
    await report("a-2", ["2026-08-31T21:15:00Z", 5.1], ["2026-09-30T21:00:00Z", 35]);
    await close("2026-08", "2026-09");
    const [august, september] = [await statement("up-a", "2026-08"), await statement("up-a", "2026-09")];
    expect([total(august), august.incomplete, total(september), september.incomplete]).toEqual([62, false, 30, false]);
    const metersOf = ({ registers: [row] }: StatementJson) => row?.segments.map(({ meterId }) => meterId);
    expect([metersOf(august), metersOf(september)]).toEqual([["a-1"], ["a-2"]]);
  });

  test("put in two months late: the months are made right, and those of the new meter's own name are void", async () => {
    await install("b-1", "up-b", "2026-07-31T21:00:00Z", 0);
    await report("b-1", ["2026-08-14T21:00:00Z", 14]);
    await report("b-2", ["2026-08-14T22:00:00Z", 100], ["2026-08-31T21:00:00Z", 117], ["2026-09-30T21:00:00Z", 147]);
    await close("2026-08", "2026-09");
    expect(total(await statement("b-2", "2026-09"))).toBe(30);
    await exchange("up-b", "2026-08-14T21:30:00Z", ["b-1", 14], ["b-2", 100]);
    await close("2026-08", "2026-09");
    const [august, september] = [await statement("up-b", "2026-08"), await statement("up-b", "2026-09")];
    expect([total(august), august.incomplete]).toEqual([14 + 17, false]);
    expect([total(september), september.incomplete]).toEqual([30, false]);
    expect(september.registers[0]).toMatchObject({ correction: 30_000 });
    const gone = await statement("b-2", "2026-09");
    expect(gone).toMatchObject({ void: true, registers: [{ consumption: null, correction: -30_000 }] });
    const { items } = await meterbook.get<{ items: StatementJson[] }>("/v1/statements?period=2026-09");
    const billed = items.filter(({ usagePointId }) => ["up-b", "b-2"].includes(usagePointId));
    expect(billed.map((one) => [one.usagePointId, total(one)])).toEqual([
      ["b-2", null],
      ["up-b", 30],
    ]);
  });

  test("while nobody has said which meter came, the statement waits for it", async () => {
    await install("c-1", "up-c", "2026-07-31T21:00:00Z", 0);
    await report("c-1", ["2026-08-10T20:45:00Z", 10]);
    await send("POST", "/v1/usage-points/up-c/exchange", {
      at: "2026-08-10T21:00:00Z",
      removed: { meterId: "c-1", values: { "1.8.0": 10 } },
    });
    await close("2026-08");
    const waiting = await statement("up-c", "2026-08");
    expect(waiting).toMatchObject({
      incomplete: true,
      waitsFor: [{ reason: "no_meter", from: "2026-08-10T21:00:00Z" }],
    });
    expect(total(waiting)).toBe(10);
  });
});
