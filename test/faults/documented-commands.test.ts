// Goal: what docs/backup.md and docs/running.md print for backup, restore, repair, verify and upgrade works as it
// stands (N09, N10).
// Method: the lines are taken from the pages and run in a shell, with their places put into a scratch directory.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { mixedTraffic } from "../support/fleets/mixed-traffic.ts";
import { publishAll } from "../support/network/publisher.ts";
import { startMeterbook } from "../support/processes/meterbook-process.ts";
import { repositoryFiles } from "../support/repository/repository-files.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);

/** Each line of the fenced blocks of a page, and what stands in backquotes, that begins one of our commands. */
async function commandsOf(page: string): Promise<string[]> {
  const text = await readFile(join(root, page), "utf8");
  const inText = [...text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/`(npm run [^`]+)`/g)].map(
    ([, command = ""]) => command,
  );
  const inBlocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].flatMap(([, block = ""]) =>
    block.split("\n").filter((line) => /^(METERBOOK_\w+=\S+ )?npm run /.test(line)),
  );
  return [
    ...new Set(
      [...inBlocks, ...inText].map((line) =>
        line
          .replace(/ +#.*$/, "")
          .replace(/\s+/g, " ")
          .trim(),
      ),
    ),
  ];
}

test("backup, a look at it, restore, repair and verify, as docs/backup.md prints them", async () => {
  const scratch = await temporaryDirectory();
  const meterbook = await startMeterbook({ METERBOOK_SETTLE_SECONDS: "0", METERBOOK_LOG_LEVEL: "error" });
  onTestFinished(() => meterbook.dispose());
  const traffic = mixedTraffic({ seed: 5, meters: 3, days: 30, waves: 1 });
  await publishAll(() => meterbook.mqttUrl, traffic.waves.flat());
  await meterbook.settled();
  const keyFile = join(scratch, "key");
  await writeFile(keyFile, "\n");
  const commands = await commandsOf("docs/backup.md");
  const restored = join(scratch, "restored");

  /** Fails where it ends with another code than 0; answers what it says. */
  async function carryOut(command: string, dataDir: string): Promise<string> {
    expect(commands, "docs/backup.md prints it").toContain(command);
    const here = command
      .replaceAll("/backups/2026-11-29", join(scratch, "backup"))
      .replaceAll("/var/lib/meterbook", restored)
      .replace("DIRECTORY", join(scratch, "backup"))
      .replace("URL", meterbook.httpUrl)
      .replace("FILE", keyFile)
      .replace("npm run ", "npm run -s ");
    const env = { ...process.env, METERBOOK_DATA_DIR: dataDir };
    return (await run("sh", ["-c", here], { cwd: root, env })).stdout;
  }

  await carryOut("npm run backup -- --to /backups/2026-11-29", meterbook.dataDir);
  expect(await carryOut("npm run verify -- --data /backups/2026-11-29", scratch)).toContain("all is well");
  await carryOut("METERBOOK_DATA_DIR=/var/lib/meterbook npm run restore -- --from /backups/2026-11-29", scratch);
  await carryOut("npm run repair", restored);
  expect(await carryOut("npm run verify", meterbook.dataDir)).toContain("all is well");
  expect(await carryOut("npm run verify", restored)).toContain("all is well");
  expect(await carryOut("npm run verify -- --data DIRECTORY", scratch)).toContain("all is well");
  expect(await carryOut("npm run verify -- --api URL --key-file FILE", scratch)).toContain("all give their hash");
  // The upgrade of docs/running.md: backup, verify, stop, start.
  expect((await commandsOf("docs/running.md")).join("\n")).toMatch(
    /npm run backup -- --to .*\n.*npm run verify -- --data /,
  );
  expect(await meterbook.stop()).toBe(0);
  await meterbook.start();
  expect(await meterbook.get("/readyz")).toMatchObject({ ready: true });
});

test("every file of ours that a command on a page names is there", async () => {
  const pages = repositoryFiles().filter(({ path }) => path.endsWith(".md") && path !== "docs/telemetry.md");
  const named = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\b(?:services|infra|simulators)\/[\w./-]+\.(?:ts|mjs|yaml|service|Dockerfile)\b/g)].map(
      ([file]) => ({
        path,
        file,
      }),
    ),
  );
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter(({ file }) => !existsSync(join(root, file))).map(({ path, file }) => `${path}: ${file}`)).toEqual(
    [],
  );
});

const systemd = "/usr/bin/systemd-analyze";

describe.skipIf(!existsSync(systemd))("with systemd", () => {
  test("the unit of infra/systemd is one that systemd takes, and what it starts is there", async () => {
    const unit = await readFile(join(root, "infra/systemd/meterbook.service"), "utf8");
    const file = join(await temporaryDirectory(), "meterbook.service");
    const here = unit.replaceAll("/opt/meterbook", root.replace(/\/$/, "")).replace(/^(User|Group)=.*/gm, "$1=root");
    await writeFile(file, here);
    const { stdout, stderr } = await run(systemd, ["verify", file]);
    const ours = `${stdout}${stderr}`.split("\n").filter((line) => line.includes("meterbook.service"));
    expect(ours).toEqual([]);
    const [, started = ""] = /^ExecStart=\S+ (\S+)/m.exec(unit) ?? [];
    expect(existsSync(join(root, started))).toBe(true);
  });
});
