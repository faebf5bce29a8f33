import { describe } from "vitest";
import { snapshotLedgerContract } from "../contracts/snapshot-ledger.contract.ts";
import { memoryLedger } from "./memory-ledger.ts";

describe("in memory", () => {
  snapshotLedgerContract(async () => {
    const ledger = memoryLedger();
    return {
      open: async (shard = 0) => ledger.open(shard),
      view: async () => ledger.view,
      putDamaged: async (snapshot) => ledger.putDamaged(0, snapshot),
    };
  });
});
