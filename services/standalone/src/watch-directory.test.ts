import { copyFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { prepareDataDirectory } from "@meterbook/adapters/embedded/directory/data-directory";
import { standingProblems } from "@meterbook/runtime/health/standing-problems";
import { expect, onTestFinished, test, vi } from "vitest";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { watchDirectory } from "./watch-directory.ts";

// Seen by an outside look: ledger.db was removed under a process that took readings in, and /readyz had nothing to say.
test("a file that is removed or replaced while it is in use is named within 10 s, and one that is written to is not", async () => {
  const dataDir = await temporaryDirectory();
  prepareDataDirectory(dataDir);
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const standing = standingProblems();
  const watch = watchDirectory({ dataDir, shards: 1 }, standing);
  const file = (name: string) => join(dataDir, name);
  copyFileSync(file("ledger.db"), file("another.db"));
  writeFileSync(file("log.db"), "x", { flag: "a" });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(standing.current()).toEqual([]);
  renameSync(file("ledger.db"), file("kept.db"));
  renameSync(file("another.db"), file("ledger.db"));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(standing.current()).toEqual([expect.stringMatching(/^ledger\.db was removed or replaced in .*backup/)]);
  rmSync(file("series.db"));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(standing.current()).toEqual([expect.stringMatching(/^series\.db, ledger\.db was removed/)]);
  renameSync(file("ledger.db"), file("another.db"));
  renameSync(file("kept.db"), file("ledger.db"));
  writeFileSync(file("jobs.db"), "made by another thread");
  await vi.advanceTimersByTimeAsync(10_000);
  rmSync(file("jobs.db"));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(standing.current()).toEqual([expect.stringMatching(/^series\.db, jobs\.db was removed/)]);
  watch.close();
});
