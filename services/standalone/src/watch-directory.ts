import { identityOf } from "@meterbook/adapters/embedded/database/opened-file";
import { fileNamesOf, pathOf } from "@meterbook/adapters/embedded/directory/directory-files";
import type { StandingProblems } from "@meterbook/runtime/health/standing-problems";

const everyMs = 2000;

/**
 * Says that a file of the data directory is not the one that was opened: it was removed, or another was put in its
 * place. The process goes on with a file that nobody else sees any more, and all that it takes in is lost when it ends.
 */
export function watchDirectory(
  { dataDir, shards }: { readonly dataDir: string; readonly shards: number },
  standing: Pick<StandingProblems, "raise" | "clear">,
): { close(): void } {
  const names = ["directory", ...fileNamesOf(shards), "jobs", "gaps", "groups", "billing"] as const;
  const opened = new Map(names.map((name) => [name, identityOf(pathOf(dataDir, name))]));

  function isLost(name: (typeof names)[number]): boolean {
    const now = identityOf(pathOf(dataDir, name));
    const then = opened.get(name);
    // The file of jobs is made by another thread, and may come to be after this.
    if (then === undefined) opened.set(name, now);
    return then !== undefined && now !== then;
  }

  function look(): void {
    const lost = names.filter(isLost);
    if (lost.length === 0) return standing.clear("data directory");
    const files = lost.map((name) => `${name}.db`).join(", ");
    standing.raise(
      "data directory",
      `${files} was removed or replaced in ${dataDir} (METERBOOK_DATA_DIR) while it is in use: what is taken in now is lost ` +
        "with the process, and nothing is acknowledged that needs them; stop Meterbook, and restore a backup where npm run repair says so (docs/backup.md)",
    );
  }

  const timer = setInterval(look, everyMs);
  timer.unref();
  return { close: () => clearInterval(timer) };
}
