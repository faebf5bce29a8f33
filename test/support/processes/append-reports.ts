// A process of its own that appends to the readings log in `argv[2]`: `argv[3]` reports at a time, each of `argv[4]`
// bytes, for ever. Prints the number of each acknowledged report on a line, and `failed <code>` for the others.
import { writeSync } from "node:fs";
import { openEmbeddedReadingsLog } from "@meterbook/adapters/embedded/readings-log/embedded-readings-log";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { systemClock as clock } from "@meterbook/core/ports/clock";

const [dataDir = "", atOnce = "1", bytes = "10"] = process.argv.slice(2);
// A file that reaches its limit must be an error for us, as a full disk is, not the end of the process.
process.on("SIGXFSZ", () => undefined);
const log = await openEmbeddedReadingsLog({ dataDir, clock });
let number = 0;

/** At once, because the process may be killed at any moment; whoever reads may be slow for a while. */
function say(line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  for (let from = 0; from < bytes.length; ) {
    try {
      from += writeSync(1, bytes, from);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
  }
}

async function appendForEver(): Promise<void> {
  for (;;) {
    const mine = number++;
    try {
      const report = Buffer.alloc(Number(bytes), `${mine} `);
      await log.append({ meterId: `m-${mine % 7}`, receivedAtMs: mine, origin: "remote", report, readings: 2 });
      say(`${mine}`);
    } catch (error) {
      say(`failed ${error instanceof AdapterError ? `${error.code} ${error.retryable}` : error}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
for (let i = 0; i < Number(atOnce); i += 1) void appendForEver();
