// Installs the dependencies when they are missing or older than the lock file, so that `npm start` and
// `npm test` work on a fresh clone. Plain JavaScript: it runs on whatever Node the machine has.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isBuilt } from "../services/web/sources-hash.mjs";

/** Commands with which somebody may look at the pages. */
const servesPages = ["prestart", "prestandalone", "preapi", "pretest"];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lock = join(root, "package-lock.json");
const installed = join(root, "node_modules", ".package-lock.json");

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
  console.log("Installing dependencies (once, about half a minute) ...");
  const npm = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (npm.status !== 0) {
    console.error("npm ci failed: see the lines above.");
    process.exit(npm.status ?? 1);
  }
}

if (servesPages.includes(process.env.npm_lifecycle_event ?? "")) buildPages();

/** Two seconds, once: the next start finds them built. Where they cannot be, the API runs without them and says so. */
function buildPages() {
  if (isBuilt()) return;
  const vite = [join(root, "node_modules"), join(root, "services", "web", "node_modules")];
  if (!vite.some((packages) => existsSync(join(packages, "vite")))) return;
  console.log("Building the pages (once, some seconds) ...");
  const node = join(root, "node_modules", ".bin", process.platform === "win32" ? "node.cmd" : "node");
  const build = spawnSync(existsSync(node) ? node : process.execPath, [join(root, "services", "web", "build.mjs")], {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (build.status !== 0) console.error("The pages could not be built: the API runs without them.");
}
