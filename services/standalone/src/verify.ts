import { readFileSync } from "node:fs";
import { verifyDirectory } from "@meterbook/adapters/embedded/verify-directory";
import { settingsOrExit } from "@meterbook/runtime/load-settings";
import { runCommand } from "./run-command.ts";
import { verifyApi } from "./verify-api.ts";

const usage = `npm run verify [-- --data DIRECTORY | --api URL [--key-file FILE]]

Reads every record and says which is not what it was. Exit 0: all is well; 1: something is wrong, named line by line.
  (nothing)           the data directory (METERBOOK_DATA_DIR), while Meterbook works on it or not; nothing is changed
  --data DIRECTORY    another one, for example a backup that was restored for a look
  --api URL           every issued snapshot that an API tells of, its hash computed from the answer; works for any form
  --key-file FILE     holds the API key, on its first line`;

const options = { data: { type: "string" }, api: { type: "string" }, "key-file": { type: "string" } } as const;
const linesMax = 1000;

const words = {
  ledger: "snapshots",
  frame: "frames of readings",
  sealed: "days of meters",
  hot: "reports of today",
  record: "records of master data",
};

await runCommand({ usage, options }, async (values, say) => {
  const begun = performance.now();
  const took = () => `${((performance.now() - begun) / 1000).toFixed(1)} s`;
  const api = values["api"];
  if (typeof api === "string") {
    const { rows, wrong } = await verifyApi(api, keyFrom(values["key-file"]));
    tell(wrong, say);
    say(
      `${rows} snapshots of ${api} in ${took()}: ${wrong.length === 0 ? "all give their hash" : `${wrong.length} are wrong`}`,
    );
    return wrong.length === 0 ? 0 : 1;
  }
  const dataDir = typeof values["data"] === "string" ? values["data"] : settingsOrExit().dataDir;
  const { troubles, wrong, rowsOf, bytes } = await verifyDirectory(dataDir);
  const lines = [
    ...troubles.map(({ file, what, lost }) => `${file}.db ${what}; lost: ${lost}`),
    ...wrong.map(({ file, where, code, detail }) => `${file}.db ${where} ${code}: ${detail}`),
  ];
  tell(lines, say);
  const counts = Object.entries(rowsOf).map(([table, rows]) => `${rows} ${words[table as keyof typeof words]}`);
  say(`${dataDir}: ${counts.join(", ") || "no records"}, ${Math.round(bytes / 1e6)} MB in ${took()}`);
  say(lines.length === 0 ? "all is well" : `${lines.length} are wrong`);
  return lines.length === 0 ? 0 : 1;
});

function tell(lines: readonly string[], say: (line: string) => void): void {
  for (const line of lines.slice(0, linesMax)) say(line);
  if (lines.length > linesMax) say(`and ${lines.length - linesMax} more`);
}

function keyFrom(file: string | boolean | undefined): string | undefined {
  return typeof file === "string" ? readFileSync(file, "utf8").split("\n")[0]?.trim() : undefined;
}
