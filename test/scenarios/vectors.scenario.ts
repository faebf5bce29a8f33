import { beforeAll, describe, expect, test } from "vitest";
import { publishAll } from "../support/network/publisher.ts";
import { seededRandom } from "../support/seeded-random.ts";
import type { FoundMonths, FoundRow } from "../vectors/compare-rows.ts";
import { differentMonths, monthsNamed } from "../vectors/compare-rows.ts";
import { notYet } from "../vectors/not-yet.ts";
import type { ExpectedCurve, ExpectedMeter, Stage, Vector } from "../vectors/vector.ts";
import { readVectors, vectorId } from "../vectors/vector.ts";
import type { VectorMessage } from "../vectors/vector-messages.ts";
import { messagesOf } from "../vectors/vector-messages.ts";

/** Any Meterbook that runs. */
export interface Deployment {
  readonly mqttUrl: string;
  readonly httpUrl: string;
  settled(): Promise<unknown>;
}

const orders = ["given", "reversed", "shuffled"] as const;
const seed = Number(process.env["SEED"] ?? 20_261_129);

/** A vector with its readings in one order; its meters are named by it. */
interface Run {
  readonly vector: Vector;
  readonly order: (typeof orders)[number];
  /** What was found to differ. */
  readonly differences: string[];
  /** By meter and month, as of the stage before. */
  revisions: ReadonlyMap<string, number>;
}

/**
 * Every vector in every order that it allows, all of them beside each other in one Meterbook: master data over the API,
 * readings over MQTT, the months closed over the API after each stage, and read from it.
 */
export function vectorsScenario(deployment: () => Deployment): void {
  const vectors = readVectors();
  const runs = vectors.flatMap((vector) =>
    orders
      .filter((order) => order === "given" || vector.order === "any")
      .map((order): Run => ({ vector, order, differences: [], revisions: new Map() })),
  );

  describe("vectors", () => {
    beforeAll(async () => {
      console.log(`seed ${seed}`);
      const stages = Math.max(...vectors.map((vector) => vector.stages.length));
      for (let stage = 0; stage < stages; stage += 1) await runStage(deployment(), runs, stage);
    }, 280_000);

    test.for(vectors.map((vector) => [vectorId(vector), vector] as const))("%s", ([id, vector]) => {
      const found = runs
        .filter((run) => run.vector === vector)
        .flatMap(({ order, differences }) => differences.map((text) => `${order}: ${text}`));
      if (notYet.process.has(id)) expect(found, `${id} holds: take it from the list not-yet`).not.toEqual([]);
      else expect(found, vector.why).toEqual([]);
    });

    test("the list of those that do not hold yet names vectors that there are", () => {
      const known = new Set(vectors.map(vectorId));
      expect([...notYet.process].filter((id) => !known.has(id))).toEqual([]);
    });
  });
}

async function runStage(deployment: Deployment, runs: readonly Run[], number: number): Promise<void> {
  const taking = runs.filter(({ vector }) => number < vector.stages.length);
  for (const run of taking) {
    if (number === 0) await putPoints(deployment, run);
    await putMeters(deployment, run, stageMeters(run.vector, number));
    await putOutages(deployment, run, number);
  }
  const outgoing = taking.flatMap((run) => {
    const stage = run.vector.stages[number] as Stage;
    return inOrder(messagesOf(stage), run).map(({ meter, text }) => ({
      topic: `meters/${meterId(run, meter)}/readings/json`,
      payload: text(Date.now()),
    }));
  });
  await publishAll(() => deployment.mqttUrl, outgoing);
  await deployment.settled();
  for (const run of taking) await judge(deployment, run, number);
  await deployment.settled();
  const months = new Set(
    taking.flatMap((run) => Object.values(expectedAfter(run.vector, number)).flatMap(monthsNamed)),
  );
  for (const month of [...months].sort()) await closeMonth(deployment, month);
  await deployment.settled();
  for (const run of taking) await lookAt(deployment, run, expectedAfter(run.vector, number));
}

function stageMeters(vector: Vector, number: number): Vector["meters"] {
  return { ...(number === 0 ? vector.meters : {}), ...vector.stages[number]?.meters };
}

function expectedAfter(vector: Vector, number: number): Vector["expect"] {
  return { ...vector.stages[number]?.expect, ...(number === vector.stages.length - 1 ? vector.expect : {}) };
}

function inOrder(messages: VectorMessage[], { order, vector }: Run): VectorMessage[] {
  if (order === "given") return messages;
  if (order === "reversed") return messages.toReversed();
  const random = seededRandom(seed + vectorId(vector).length);
  const keyed = messages.map((message) => ({ message, key: random() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ message }) => message);
}

function meterId({ vector, order }: Run, meter: string): string {
  return `${vectorId(vector)}-${order}-${meter}`;
}

async function putPoints(deployment: Deployment, run: Run): Promise<void> {
  for (const [point, record] of Object.entries(run.vector.points)) {
    await put(deployment, run, `/v1/usage-points/${meterId(run, point)}`, record);
  }
}

async function putOutages(deployment: Deployment, run: Run, number: number): Promise<void> {
  const { outages, stages } = run.vector;
  const told = { ...(number === 0 ? outages : {}), ...stages[number]?.outages };
  for (const [id, record] of Object.entries(told)) {
    const { usagePoints = [] } = record as { readonly usagePoints?: readonly string[] };
    const own = { usagePoints: usagePoints.map((point) => meterId(run, point)) };
    await put(deployment, run, `/v1/outages/${meterId(run, id)}`, { ...record, ...own });
  }
}

async function judge(deployment: Deployment, run: Run, number: number): Promise<void> {
  for (const { reading, verdict } of run.vector.stages[number]?.verdicts ?? []) {
    const id = encodeURIComponent(`${meterId(run, "m")}/${reading}`);
    const body = JSON.stringify({ verdict, reason: "показ перевірено на місці" });
    const headers = { "content-type": "application/json" };
    const response = await ask(deployment, `/v1/readings/${id}/verdict`, { method: "POST", headers, body });
    if (!response.ok) run.differences.push(`verdict on ${reading}: ${response.status} ${await response.text()}`);
  }
}

async function put(deployment: Deployment, run: Run, path: string, record: object): Promise<void> {
  const body = JSON.stringify(record);
  const response = await ask(deployment, path, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body,
  });
  if (!response.ok) run.differences.push(`master data ${path}: ${response.status} ${await response.text()}`);
}

interface Placed {
  readonly usagePointId?: string;
}

function placed(run: Run, { usagePointId }: Placed): Placed {
  return usagePointId === undefined ? {} : { usagePointId: meterId(run, usagePointId) };
}

/** Usage points are a vector's own too. */
async function putMeters(deployment: Deployment, run: Run, meters: Vector["meters"]): Promise<void> {
  for (const [meter, record] of Object.entries(meters)) {
    const { earlier } = record as { readonly earlier?: readonly Placed[] };
    const places = earlier === undefined ? {} : { earlier: earlier.map((one) => ({ ...one, ...placed(run, one) })) };
    const own = { ...record, ...placed(run, record as Placed), ...places };
    await put(deployment, run, `/v1/meters/${meterId(run, meter)}`, own);
  }
}

async function lookAt(deployment: Deployment, run: Run, expected: Vector["expect"]): Promise<void> {
  const revisions = new Map<string, number>();
  for (const [meter, of] of Object.entries(expected)) {
    const found = new Map<string, readonly FoundRow[] | null>();
    for (const month of monthsNamed(of)) {
      const snapshot = await snapshotOf(deployment, meterId(run, meter), month);
      found.set(month, snapshot?.registers ?? null);
      if (snapshot !== null) revisions.set(`${meter} ${month}`, snapshot.revision);
      const said = of.reasons?.[month];
      if (said !== undefined && snapshot?.reason.includes(said) !== true)
        run.differences.push(`${month}: "${said}" is not in the reason "${snapshot?.reason}"`);
    }
    run.differences.push(...differentMonths(of, found as FoundMonths), ...revised(run, meter, of, revisions));
    for (const curve of of.curves ?? [])
      run.differences.push(...(await differentCurve(deployment, meterId(run, meter), curve)));
  }
  run.revisions = revisions;
}

function revised(run: Run, meter: string, { unchanged = [] }: ExpectedMeter, now: Run["revisions"]): string[] {
  return unchanged
    .filter((month) => now.get(`${meter} ${month}`) !== run.revisions.get(`${meter} ${month}`))
    .map((month) => `${month} was revised`);
}

interface Snapshot {
  readonly revision: number;
  readonly reason: string;
  readonly void: boolean;
  readonly registers: readonly FoundRow[];
}

/** Evidence and intervals stand as they are; a month that was taken back is none. */
async function snapshotOf(deployment: Deployment, meter: string, month: string): Promise<Snapshot | null> {
  const response = await ask(deployment, `/v1/meters/${meter}/snapshots/${month}`);
  if (response.status === 404) return null;
  const snapshot = (await response.json()) as Snapshot;
  return snapshot.void ? null : snapshot;
}

async function differentCurve(deployment: Deployment, meter: string, curve: ExpectedCurve): Promise<string[]> {
  const response = await ask(deployment, `/v1/meters/${meter}/curve?${curve.query}`);
  if (!response.ok) return [`curve ${curve.query}: ${response.status} ${await response.text()}`];
  const { items } = (await response.json()) as { items: { from: string; to: string; consumption: number | null }[] };
  const found = JSON.stringify(items.map(({ from, to, consumption }) => [from, to, consumption]));
  const wanted = JSON.stringify(curve.points);
  return found === wanted ? [] : [`curve ${curve.query}: ${wanted} was expected, there is ${found}`];
}

async function closeMonth(deployment: Deployment, month: string): Promise<void> {
  const response = await ask(deployment, `/v1/periods/${month}/close`, {
    method: "POST",
    headers: { prefer: "wait=60" },
  });
  if (!response.ok) throw new Error(`close ${month}: ${response.status} ${await response.text()}`);
}

function ask({ httpUrl }: Deployment, path: string, init?: RequestInit): Promise<Response> {
  return fetch(httpUrl + path, init);
}
