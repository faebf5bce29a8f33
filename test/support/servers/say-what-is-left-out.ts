import { missingServers } from "./servers.ts";

/** Called by vitest before the tests that need servers: what is skipped is said once, with how to have it. */
export function setup(): void {
  if (process.env["METERBOOK_TEST_SAID"] !== undefined) return;
  process.env["METERBOOK_TEST_SAID"] = "what is left out";
  for (const { name, howToHave } of missingServers())
    console.log(`left out: what needs ${name}, which is not here (to have it: ${howToHave})`);
}
