// Goal: a revision of the ledger is issued once, whoever stands still, dies or is cut off in the middle of it.
// Method: real Kafka; owners that stop at a known place of their transaction, answers that are lost, a broker that is
// killed.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { KafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import {
  openKafkaSnapshotLedgers,
  openKafkaSnapshotView,
} from "@meterbook/adapters/kafka/ledger/kafka-snapshot-ledger";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { SnapshotLedger, SnapshotLedgers, SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { ledgerStart } from "@meterbook/sharding/ledger-place";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { aSnapshot } from "../contracts/snapshot-ledger.contract.ts";
import type { LedgerProcessTask } from "../support/processes/ledger-process.ts";
import { kafkaPlaces } from "../support/servers/kafka-place.ts";
import { kafkaIsThere } from "../support/servers/kafka-server.ts";
import { silentKafkaEvents } from "../support/servers/silent-kafka-events.ts";
import { type TransactionStage, watchedTransactions } from "../support/servers/watched-transactions.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const october = 2026 * 12 + 9;
/** The life of a transaction in ledger-producer.ts. */
const transactionMs = 15_000;

describe.skipIf(!kafkaIsThere())("the ledger on Kafka", () => {
  const kafka = kafkaPlaces();

  async function ledgersOn(connection: KafkaConnection, events = silentKafkaEvents): Promise<SnapshotLedgers> {
    const ledgers = await openKafkaSnapshotLedgers({ connection, dataDir: await temporaryDirectory(), events });
    onTestFinished(() => ledgers.close().catch(() => undefined));
    return ledgers;
  }

  async function viewOn(connection: KafkaConnection, events = silentKafkaEvents, dataDir?: string) {
    const view = await openKafkaSnapshotView({ connection, dataDir: dataDir ?? (await temporaryDirectory()), events });
    onTestFinished(() => view.close().catch(() => undefined));
    return view;
  }

  /** Where the records of one append take two sends. */
  const many = Array.from({ length: 1500 }, (_, i) => aSnapshot(`m${`${i}`.padStart(4, "0")}`, october, 1, "01d"));

  test.for<{ stopAt: TransactionStage; outcome: string; kept: number }>([
    { stopAt: "sending", outcome: "ledger_fenced", kept: 0 },
    { stopAt: "sent", outcome: "ledger_fenced", kept: 0 },
    { stopAt: "committing", outcome: "ledger_fenced", kept: 0 },
    { stopAt: "committed", outcome: "appended", kept: 1500 },
  ])("an owner that is stopped when $stopAt and wakes after it was taken over: $outcome, $kept kept", async (row) => {
    const connection = await kafka.place();
    const revisionRepeated = vi.fn();
    const stopped = ledgerProcess(connection, {
      dataDir: await temporaryDirectory(),
      issue: { snapshots: many, stopAt: row.stopAt },
    });
    expect(await stopped.line()).toBe("stopped");

    const taker = await (await ledgersOn(connection)).open(0);
    expect(await everything(taker)).toHaveLength(row.kept);
    const fresh = row.kept === 0 ? many.slice(0, 10).map((one) => aSnapshot(one.meterId, october, 1, "4e3")) : [];
    await taker.append([...fresh, aSnapshot("after", october, 1)]);
    const expected = await everything(taker);
    expect(expected).toHaveLength(row.kept + fresh.length + 1);

    stopped.child.kill("SIGCONT");
    expect(await stopped.line()).toBe(row.outcome);
    await stopped.ended;
    await taker.append([aSnapshot("last", october, 1)]);
    const seen = await everything(await viewOn(connection, { ...silentKafkaEvents, revisionRepeated }));
    expect(seen.slice(0, -1)).toEqual(expected);
    expect(await everything(taker)).toEqual(seen);
    expect(revisionRepeated).not.toHaveBeenCalled();
  });

  test.for<{ lostAt: TransactionStage; kept: number }>([
    { lostAt: "committing", kept: 0 },
    { lostAt: "committed", kept: 1500 },
  ])(
    "an append whose answer is lost when $lostAt is in doubt; a take-over finds $kept, and nothing is twice or missing after it",
    async (row) => {
      const connection = await kafka.place();
      let isLost = false;
      const unsure = watchedTransactions(connection, (stage) => {
        if (stage !== row.lostAt || isLost) return;
        isLost = true;
        throw new Error("the connection is lost");
      });
      const ledgers = await ledgersOn(unsure);
      const ledger = await ledgers.open(0);
      await expect(ledger.append(many)).rejects.toMatchObject({ code: "ledger_fenced", retryable: true });
      await expect(ledger.append(many)).rejects.toMatchObject({ code: "ledger_fenced" });
      const again = await ledgers.open(0);
      expect(await everything(again)).toHaveLength(row.kept);
      await again.append(many);
      expect(await everything(again)).toHaveLength(many.length);
    },
  );

  test("a view that is killed in the middle of a transaction goes on where it was", async () => {
    const connection = await kafka.place();
    const ledger = await (await ledgersOn(connection)).open(0);
    for (let first = 0; first < 4000; first += 1000) await ledger.append(fat(1000, `part${first}-`));
    const dataDir = await temporaryDirectory();
    for (const dieAtOffset of [700, 1800, 3900]) {
      const dying = ledgerProcess(connection, { dataDir, dieAtOffset });
      expect(await dying.ended).toBe("SIGKILL");
    }
    const seen = await everything(await viewOn(connection, silentKafkaEvents, dataDir));
    expect(seen).toEqual(await everything(await viewOn(connection)));
    expect(seen).toHaveLength(4000);
  });

  test("an outage of seconds only delays an append", async () => {
    const connection = await kafka.place();
    const told = { ...silentKafkaEvents, writeFailed: vi.fn(), writeRecovered: vi.fn(), fenced: vi.fn() };
    const ledger = await (await ledgersOn(connection, told)).open(0);
    await kafka.server.kill();
    const started = performance.now();
    const appended = ledger.append(fat(2000, "m")).catch((error: unknown) => error);
    await vi.waitFor(() => expect(told.writeFailed).toHaveBeenCalled(), { timeout: 20_000 });
    await kafka.server.start();
    const failure = await appended;
    // On a slow machine the broker may be back too late.
    if (performance.now() - started > transactionMs && failure !== undefined) return;
    expect(failure).toBeUndefined();
    expect(told.writeRecovered).toHaveBeenCalledOnce();
    expect(told.fenced).not.toHaveBeenCalled();
    expect(await everything(ledger)).toHaveLength(2000);
  });

  test("a broker that is killed in the middle: every append is kept or fenced, no revision twice, none lost", async () => {
    const connection = await kafka.place();
    const ledgers = await ledgersOn(connection);
    let ledger = await ledgers.open(0);
    const total = 60;
    let starting: Promise<void> | undefined;
    for (let n = 0; n < total; n += 1) {
      const snapshots = fat(200, `n${n}-`);
      const appending = ledger.append(snapshots).catch((error: unknown) => error);
      if (n === 15 || n === 40) {
        await kafka.server.kill();
        starting = kafka.server.start();
      }
      let failure = await appending;
      // As an aggregator does: what is refused is taken over anew and appended again.
      while (failure !== undefined) {
        expect(failure).toBeInstanceOf(AdapterError);
        expect(failure).toMatchObject({ retryable: true });
        ledger = await openAnew(ledgers, ledger);
        failure = await ledger.append(snapshots).catch((error: unknown) => error);
      }
    }
    await starting;
    const seen = await everything(await viewOn(connection));
    expect(new Set(seen.map(([, meterId]) => meterId)).size).toBe(200 * total);
    expect(seen).toHaveLength(200 * total);
  });
});

/** As large as those of meters with many registers. */
function fat(count: number, meterId: string) {
  return Array.from({ length: count }, (_, i) => ({
    ...aSnapshot(`${meterId}${i}`, october, 1),
    reason: "x".repeat(800),
  }));
}

async function everything(view: SnapshotView) {
  await view.catchUp();
  const entries = await view.changes({ after: ledgerStart, limit: 100_000 });
  return entries.map(({ sequence, snapshot }) => [sequence, snapshot.meterId, snapshot.hash]);
}

function openAnew(ledgers: SnapshotLedgers, before: SnapshotLedger): Promise<SnapshotLedger> {
  return vi.waitUntil(
    async () => {
      await before.close();
      return ledgers.open(0).catch(() => undefined);
    },
    { timeout: 60_000, interval: 200 },
  );
}

interface LedgerProcess {
  readonly child: ChildProcess;
  line(): Promise<string>;
  /** By which signal it ended; null when it ended by itself. */
  readonly ended: Promise<NodeJS.Signals | null>;
}

function ledgerProcess(
  { settings }: KafkaConnection,
  task: Omit<LedgerProcessTask, "brokers" | "topicPrefix">,
): LedgerProcess {
  const program = fileURLToPath(new URL("../support/processes/ledger-process.ts", import.meta.url));
  const child = spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const { brokers, topicPrefix } = settings;
  child.stdin.end(JSON.stringify({ brokers, topicPrefix, ...task } satisfies LedgerProcessTask));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    line: async () => String((await lines.next()).value),
    ended: once(child, "exit").then(([, signal]) => signal as NodeJS.Signals | null),
  };
}
