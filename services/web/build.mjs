// Builds the pages into `dist`: beside it first, then in one move, so that nobody sees half of them. `npm run
// build-web`.
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "vite";
import { built, sourcesHash } from "./sources-hash.mjs";

// biome-ignore lint/style/noProcessEnv: in a test's environment the pages would hold what only developers need.
process.env["NODE_ENV"] = "production";

const usage = `npm run build-web

Builds the pages for people into services/web/dist, from where the API serves them at /. The commands that serve them
do so by themselves where something changed; this is for a tree in which they cannot write (docs/running.md).`;

for (const option of process.argv.slice(2)) {
  if (option === "--help") console.log(usage);
  else console.error(`there is no option ${option}\n\n${usage}`);
  process.exit(option === "--help" ? 0 : 2);
}

const web = fileURLToPath(new URL(".", import.meta.url));
const packed = new Set([".js", ".css", ".html", ".svg", ".webmanifest"]);

const hash = sourcesHash();
const staging = mkdtempSync(`${built}-`);
try {
  await build({
    configFile: false,
    root: web,
    logLevel: "warn",
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      outDir: staging,
      emptyOutDir: true,
      target: "es2023",
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      cssCodeSplit: false,
      reportCompressedSize: false,
    },
  });
  for (const path of filesBelow(staging)) pack(path);
  writeFileSync(join(staging, ".sources"), hash);
  chmodSync(staging, 0o755);
  replace(staging, built);
} finally {
  rmSync(staging, { recursive: true, force: true });
}

function pack(path) {
  if (!packed.has(extname(path))) return;
  const bytes = readFileSync(path);
  writeFileSync(`${path}.br`, brotliCompressSync(bytes));
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
}

function filesBelow(directory) {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Another build may do the same at the same time: whichever is last stands. */
function replace(from, to) {
  const old = `${from}-old`;
  if (existsSync(to)) putAway(to, old);
  renameSync(from, to);
  rmSync(old, { recursive: true, force: true });
}

/** In an image, what a lower layer holds cannot be moved. */
function putAway(from, to) {
  try {
    renameSync(from, to);
  } catch (error) {
    if (error.code !== "EXDEV") throw error;
    rmSync(from, { recursive: true, force: true });
  }
}
