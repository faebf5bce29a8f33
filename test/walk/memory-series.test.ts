import { describe } from "vitest";
import { seriesStoreContract } from "../contracts/series-store.contract.ts";
import { memoryPartition } from "./memory-series.ts";

describe("in memory", () => {
  seriesStoreContract(async () => {
    const partition = memoryPartition();
    let ownerNo = 0;
    return {
      async open() {
        ownerNo += 1;
        return { store: partition.open(ownerNo), reader: { ...partition.reader, close: async () => undefined } };
      },
      tidyLater: async () => undefined,
    };
  });
});
