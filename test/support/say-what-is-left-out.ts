import { missingServers } from "./servers.ts";

/** Called by vitest before the contract suites: what is skipped is said, with how to have it. */
export function setup(): void {
  for (const { name, howToHave } of missingServers())
    console.log(`left out: what needs ${name}, which is not here (to have it: ${howToHave})`);
}
