import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { openEmbeddedSnapshotShard } from "@meterbook/adapters/embedded/ledger/embedded-snapshot-ledger";
import { answerRows } from "@meterbook/api/billing/csv/answer-rows";
import { yieldToOthers } from "@meterbook/runtime/process/thread-priority";

/** Writes rows of an export beside the API: as readily as the API itself, and less so than who takes readings. */
yieldToOthers(5);

const { dataDir } = workerData as { readonly dataDir: string };
answerRows(parentPort as MessagePort, (shard) => openEmbeddedSnapshotShard({ dataDir }, shard));
