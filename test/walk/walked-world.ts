import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import type { JobLog } from "@meterbook/core/ports/job-log";
import type { RegistryChange } from "@meterbook/core/ports/registry";
import { ledgerStart } from "@meterbook/sharding/ledger-place";
import { memoryJobLog } from "../support/worlds/memory-ports.ts";
import { type HeldCalls, heldCalls } from "./held-calls.ts";
import { type MemoryLedger, memoryLedger } from "./memory-ledger.ts";
import type { MemoryLog } from "./memory-log.ts";
import { type MemoryPartition, memoryPartition } from "./memory-series.ts";

/** What all processes of a walk share: it survives each of them. */
export interface SharedWorld {
  readonly log: MemoryLog;
  readonly stores: readonly MemoryPartition[];
  readonly ledger: MemoryLedger;
  /** Every record that was put, once a meter. */
  readonly registry: RegistryChange[];
  readonly jobs: JobLog;
  readonly heldCalls: HeldCalls;
  readonly nowMs: () => number;
}

export function walkedWorld(log: MemoryLog, nowMs: () => number, registry: RegistryChange[] = []): SharedWorld {
  const stores = Array.from({ length: log.partitions }, (_, partition) => memoryPartition(partition));
  return { log, stores, ledger: memoryLedger(), registry, jobs: memoryJobLog(), heldCalls: heldCalls(), nowMs };
}

export async function issuedIn({ ledger }: Pick<SharedWorld, "ledger">): Promise<Snapshot[]> {
  const entries = await ledger.view.changes({ after: ledgerStart, limit: 1_000_000 });
  return entries.map(({ snapshot }) => snapshot);
}
