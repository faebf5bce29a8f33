import {
  openEmbeddedGroupSums,
  openEmbeddedGroupSumsReader,
} from "@meterbook/adapters/embedded/group-sums/embedded-group-sums";
import { describe } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { groupSumsContract } from "./group-sums.contract.ts";

describe("embedded", () => {
  groupSumsContract(async () => {
    const dataDir = await temporaryDirectory();
    return {
      open: async () => ({
        sums: openEmbeddedGroupSums({ dataDir }),
        reader: openEmbeddedGroupSumsReader({ dataDir }),
      }),
    };
  });
});
