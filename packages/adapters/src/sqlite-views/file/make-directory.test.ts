import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeDirectory } from "./make-directory.ts";

let above: string;
beforeEach(async () => {
  above = await mkdtemp(join(tmpdir(), "meterbook-"));
});
afterEach(() => rm(above, { recursive: true }));

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}

test.for([
  { there: [], mode: "700" },
  { there: ["log.db", "log.db-wal", "ledger.db.set-aside-2026", "shard-1/series.db", "backup.json"], mode: "700" },
  { there: ["api-1/ledger.view.db", "aggregator-12/lock.db", "lost+found/"], mode: "700" },
  { there: ["log.db", "notes.txt"], mode: "755" },
  { there: [".ssh/"], mode: "755" },
  { there: ["log.db", "theirs.db"], mode: "755" },
])("a directory that holds $there is closed to others where all of it is ours: $mode", async ({ there, mode }) => {
  const path = join(above, "data");
  await mkdir(path);
  for (const name of there) {
    await mkdir(join(path, name, ".."), { recursive: true });
    await (name.endsWith("/") ? mkdir(join(path, name)) : writeFile(join(path, name), ""));
  }
  await chmod(path, 0o755);
  makeDirectory(path);
  expect(await modeOf(path)).toBe(mode);
});

test("what is missing is made closed; what it is made in stays as it is", async () => {
  await chmod(above, 0o755);
  makeDirectory(join(above, "a", "b"));
  expect(await Promise.all([above, join(above, "a"), join(above, "a", "b")].map(modeOf))).toEqual([
    "755",
    "700",
    "700",
  ]);
});

test("a file in its place is refused by name and not touched", async () => {
  const path = join(above, "passwd");
  await writeFile(path, "root", { mode: 0o644 });
  expect(() => makeDirectory(path)).toThrow(expect.objectContaining({ code: "ENOTDIR", path }));
  expect(await modeOf(path)).toBe("644");
});
