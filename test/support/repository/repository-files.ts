import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export interface RepositoryFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

const root = fileURLToPath(new URL("../../../", import.meta.url));
/** What `.gitignore` names, and git's own folder. Read from the disk, because a checkout may come without git. */
const ignored = new Set(["node_modules", ".git", "data", ".cache", "bench-results", ".env", "dist", "openapi.d.ts"]);
const fileBytesMax = 2_000_000;

/** Every text file of the repository. */
export function repositoryFiles(): readonly RepositoryFile[] {
  return filesBelow(root).map((path) => ({
    path: relative(root, path).replaceAll("\\", "/"),
    text: readFileSync(path, "utf8").slice(0, fileBytesMax),
  }));
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (ignored.has(entry.name) || entry.name.endsWith(".log")) return [];
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}
