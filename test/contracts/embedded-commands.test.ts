import { openEmbeddedCommands } from "@meterbook/adapters/embedded/embedded-commands";
import { commandsContract } from "./commands.contract.ts";

commandsContract(async () => {
  const name = crypto.randomUUID();
  return { open: async (partitions) => openEmbeddedCommands({ name, partitions }) };
});
