import { join } from "node:path";
import { openEmbeddedRejectedLog } from "@meterbook/adapters/embedded/embedded-rejected-log";
import { databaseBytes } from "../support/database-bytes.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { rejectedLogContract } from "./rejected-log.contract.ts";

rejectedLogContract(async () => {
  const dataDir = await temporaryDirectory();
  return {
    open: async () => openEmbeddedRejectedLog({ dataDir }),
    bytesKept: async () => databaseBytes(join(dataDir, "rejected.db")),
  };
});
