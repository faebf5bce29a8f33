// Goal: a command that is called for the wrong place says what is wrong and fails: never a stack, and never praise for
// a directory that is none (N09, N11).
// Method: each command as a process of its own, on paths and addresses with a slip in them.
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { prepareDataDirectory } from "@meterbook/adapters/embedded/directory/data-directory";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { runCommand } from "../support/processes/command-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

let place: string;
beforeEach(async () => {
  place = await temporaryDirectory();
});

test("verify of a directory that is not there, or is a file, does not say that all is well", async () => {
  await writeFile(join(place, "file"), "");
  for (const name of ["missing", "file"]) {
    const ended = await runCommand("verify", ["--data", join(place, name)]);
    expect(ended).toEqual({ code: 1, output: "", errors: `${join(place, name)} is no data directory of Meterbook\n` });
  }
});

test("repair of a directory that is not there repairs nothing and makes nothing", async () => {
  const environment = { METERBOOK_DATA_DIR: join(place, "missing") };
  const words = `${join(place, "missing")} (METERBOOK_DATA_DIR) is no data directory of Meterbook`;
  expect(await runCommand("repair", [], environment)).toMatchObject({
    code: 0,
    output: `${words}: a start makes one there\n`,
  });
  for (const args of [["--rebuild-series"], ["--accept-loss", "ledger", "--reason", "lost"]])
    expect(await runCommand("repair", args, environment)).toEqual({ code: 1, output: "", errors: `${words}\n` });
  expect(existsSync(join(place, "missing"))).toBe(false);
});

test("a place where no backup can be made is told as that, and not as the data directory", async () => {
  prepareDataDirectory(join(place, "data"));
  await writeFile(join(place, "file"), "");
  for (const to of [join(place, "file"), join(place, "file", "below"), "/proc/meterbook"]) {
    const ended = await runCommand("backup", ["--to", to], { METERBOOK_DATA_DIR: join(place, "data") });
    expect(ended).toMatchObject({ code: 1, errors: expect.stringContaining(`the backup goes to ${to}`) });
    expect(ended.errors).not.toMatch(/METERBOOK_DATA_DIR|^\s+at /m);
  }
});

test("verify of an API: an address, a key or seals that cannot be used are told in a line", async () => {
  const other = createServer((_request, response) => response.end("<html>")).listen(0, "127.0.0.1");
  onTestFinished(() => void other.close());
  const url = () => `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  await writeFile(join(place, "empty"), "\n");
  const missing = join(place, "missing");
  for (const [args, code, words] of [
    [["--api", "127.0.0.1:8080"], 2, "--api: an address such as http://127.0.0.1:8080"],
    [["--api", "http://127.0.0.1:1"], 1, "http://127.0.0.1:1 gives no answer"],
    [["--api", url()], 1, "/v1/snapshots/changes: 200 no JSON"],
    [["--api", url(), "--key-file", missing], 1, `no such file or directory, open '${missing}'`],
    [["--api", url(), "--seals", missing], 1, `no such file or directory, open '${missing}'`],
    [["--api", url(), "--seals", join(place, "empty")], 1, `${join(place, "empty")} holds no seals`],
    [["--key-file", missing], 2, "--key-file is for --api"],
  ] as const) {
    const ended = await runCommand("verify", args);
    expect(ended).toMatchObject({ code, errors: expect.stringContaining(words) });
    expect(ended.errors).not.toMatch(/^\s+at /m);
  }
});
