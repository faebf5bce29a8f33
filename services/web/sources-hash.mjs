// What the pages are built from, as one hash: built anew only where it changed. Plain JavaScript without packages: it
// runs before they are installed.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const web = fileURLToPath(new URL(".", import.meta.url));
export const built = join(web, "dist");
const mark = join(built, ".sources");
const made = ["dist", "node_modules", "openapi.d.ts", "tsconfig.json"];

export function sourcesHash() {
  const hash = createHash("sha256");
  for (const path of [...filesBelow(web), join(web, "../../package-lock.json")].sort()) {
    hash.update(relative(web, path).replaceAll("\\", "/")).update("\0").update(readFileSync(path)).update("\0");
  }
  return hash.digest("hex");
}

/** Whether the built pages are those of the sources as they are now. */
export function isBuilt() {
  return existsSync(mark) && readFileSync(mark, "utf8") === sourcesHash();
}

function filesBelow(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (made.includes(entry.name) || /\.test\.ts$|\.d\.m?ts$|^dist-/.test(entry.name)) return [];
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}
