import { describe } from "vitest";
import { snapshotLedgerContract } from "../contracts/snapshot-ledger.contract.ts";
import { memoryLedger } from "./memory-ledger.ts";

describe("in memory", () => {
  snapshotLedgerContract(async () => {
    const ledger = memoryLedger();
    return { open: async () => ledger.open(0), putDamaged: async (snapshot) => ledger.putDamaged(snapshot) };
  });
});
