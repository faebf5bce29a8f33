import { openEmbeddedRegistry } from "@meterbook/adapters/embedded/embedded-registry";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { registryContract } from "./registry.contract.ts";

registryContract(async () => {
  const dataDir = await temporaryDirectory();
  return { open: () => openEmbeddedRegistry({ dataDir }) };
});
