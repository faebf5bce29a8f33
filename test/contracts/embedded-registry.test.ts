import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openEmbeddedRegistry } from "@meterbook/adapters/embedded/registry/embedded-registry";
import { systemClock as clock } from "@meterbook/core/ports/clock";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { outagesContract } from "./outages.contract.ts";
import { type RegistryUnderTest, registryContract } from "./registry.contract.ts";

async function make(): Promise<RegistryUnderTest> {
  const dataDir = await temporaryDirectory();
  return {
    open: (damaged = () => undefined) => openEmbeddedRegistry({ dataDir, clock, damaged }),
    async putBytes(meterId, body) {
      const database = new DatabaseSync(join(dataDir, "registry.db"));
      database.prepare("UPDATE record SET body = ? WHERE kind = 0 AND entity = ?").run(body, meterId);
      database.close();
    },
  };
}

registryContract(make);
outagesContract(make);
