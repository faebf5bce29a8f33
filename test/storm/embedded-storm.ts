import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { type MeterbookProcess, startMeterbook } from "../support/processes/meterbook-process.ts";
import { freePorts } from "../support/servers/server-process.ts";
import { type Flip, flipOneBit, putMeter } from "./bit-flips.ts";
import { cureDamage } from "./cure-damage.ts";
import { strikeHostile } from "./hostile-clients.ts";
import { allLost } from "./lost-readings.ts";
import type { StormFault, StormTarget } from "./storm-round.ts";

/** Without these a start must refuse: what they hold is known by their siblings. */
const files = ["log.db", "rejected.db", "registry.db", "series.db", "ledger.db"] as const;

/** Meterbook as one process on a data directory of its own. */
export async function embeddedStorm(): Promise<StormTarget> {
  // Meters come back to the address that they know.
  const [port] = await freePorts(1);
  const meterbook = await startMeterbook({
    METERBOOK_SETTLE_SECONDS: "2",
    METERBOOK_MQTT_LISTEN: `127.0.0.1:${port}`,
  });
  const flips: Flip[] = [];
  return Object.defineProperties(
    {
      faults: embeddedFaults(meterbook, flips),
      checks: [],
      async cure() {
        const cured = await cureDamage(meterbook, (meterId) => putMeter(meterbook, meterId));
        return allLost([cured, ...flips.map(({ lost }) => lost)]);
      },
      verify: () => verify(meterbook.dataDir, flips),
    } as unknown as StormTarget,
    Object.getOwnPropertyDescriptors(meterbook),
  );
}

const goneOnMsMax = 10_000;
const verifyMain = fileURLToPath(new URL("../../services/standalone/src/commands/verify.ts", import.meta.url));

/** `npm run verify` over the directory, while Meterbook runs: it names no row but those of which a bit was flipped. */
async function verify(dataDir: string, flips: readonly Flip[]): Promise<void> {
  const environment = { PATH: process.env["PATH"], METERBOOK_DATA_DIR: dataDir };
  const child = spawn(process.execPath, [verifyMain], {
    env: environment,
    cwd: dataDir,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "exit");
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await ended;
  const wrong = output.split("\n").filter((line) => /^\w+\.db /.test(line));
  const unexplained = wrong.filter((line) => !flips.some(({ file, where }) => line.startsWith(`${file} ${where}`)));
  const isSound = code === (wrong.length === 0 ? 0 : 1) && unexplained.length === 0;
  if (!isSound) throw new Error(`npm run verify ended with ${code}\n${output}${errors}`);
}

function embeddedFaults(meterbook: MeterbookProcess, flips: Flip[]): StormFault[] {
  async function bitFlipped(random: () => number): Promise<string> {
    const flip = await flipOneBit(meterbook, random);
    if (flip === undefined) return "none, there was no such record yet";
    flips.push(flip);
    return `${flip.file} ${flip.where}`;
  }

  return [
    { name: "a bit flipped", weight: 4, strike: bitFlipped },
    { name: "killed", weight: 4, strike: () => killed(meterbook) },
    { name: "stopped", weight: 1, strike: () => stopped(meterbook) },
    { name: "stood still", weight: 2, strike: (random) => stoodStill(meterbook, 500 + random() * 3000) },
    { name: "hostile clients", weight: 2, strike: (random) => strikeHostile(meterbook, random) },
    { name: "lost a file", weight: 1, strike: (random) => lostFile(meterbook, random) },
    { name: "an older copy of a file", weight: 1, strike: (random) => olderCopy(meterbook, random) },
  ];
}

async function killed(meterbook: MeterbookProcess): Promise<void> {
  await meterbook.kill();
  await meterbook.start();
}

async function stopped(meterbook: MeterbookProcess): Promise<void> {
  const code = await meterbook.stop();
  if (code !== 0) throw new Error(`SIGTERM ended with ${code}\n${meterbook.errors().slice(-3000)}`);
  await meterbook.start();
}

async function stoodStill(meterbook: MeterbookProcess, ms: number): Promise<void> {
  meterbook.pause();
  await new Promise((resolve) => setTimeout(resolve, ms));
  meterbook.resume();
}

/** A start that sees less than there was must refuse and name the file; with the file back it goes on. */
async function lostFile(meterbook: MeterbookProcess, random: () => number): Promise<void> {
  const file = files[Math.floor(random() * files.length)] as string;
  await meterbook.kill();
  const aside = await setAside(meterbook.dataDir, file);
  await expectRefusal(meterbook, file, `${file} is missing`);
  await aside.putBack();
  await meterbook.start();
}

/** As a restore of one file alone would leave it. */
async function olderCopy(meterbook: MeterbookProcess, random: () => number): Promise<void> {
  // The log may be as it was a moment ago after no crash; the others are caught up from it or refuse.
  const file = (["ledger.db", "log.db"] as const)[Math.floor(random() * 2)] as string;
  await meterbook.stop();
  const older = join(meterbook.dataDir, `${file}.older`);
  await copyFile(join(meterbook.dataDir, file), older);
  await meterbook.start();
  const isOlder = await goneOn(meterbook);
  await meterbook.stop();
  if (!isOlder) {
    await rm(older);
    return meterbook.start();
  }
  const aside = await setAside(meterbook.dataDir, file);
  await copyFile(older, join(meterbook.dataDir, file));
  await expectRefusal(meterbook, file, `${file} is older than its siblings`);
  await aside.putBack();
  await rm(older);
  await meterbook.start();
}

/** Waits until something more is stored and issued than there was; false where that takes too long to wait for. */
async function goneOn(meterbook: MeterbookProcess): Promise<boolean> {
  const before = await kept(meterbook);
  const deadline = Date.now() + goneOnMsMax;
  while (Date.now() < deadline) {
    const { stored, issued } = await kept(meterbook);
    if (stored > before.stored && issued > before.issued) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

async function kept(meterbook: MeterbookProcess): Promise<{ stored: number; issued: number }> {
  const { stored } = await meterbook.get<{ stored: number }>("/v1/status");
  const changes = await meterbook.request("/v1/snapshots/changes", { headers: { accept: "application/x-ndjson" } });
  return { stored, issued: (await changes.text()).split("\n").length };
}

async function expectRefusal(meterbook: MeterbookProcess, file: string, what: string): Promise<void> {
  const before = meterbook.errors().length;
  const started = await meterbook.start().then(
    () => true,
    () => false,
  );
  if (started) throw new Error(`${what}, and Meterbook started without a word`);
  const said = meterbook.errors().slice(before);
  if (!said.includes(file)) throw new Error(`${what}, and the refusal does not name it: ${said}`);
}

/** Moves a database with what belongs to it out of the way. */
async function setAside(dataDir: string, file: string): Promise<{ putBack(): Promise<void> }> {
  const suffixes = ["", "-wal", "-shm"];
  const names = (await readdir(dataDir)).filter((name) => suffixes.some((suffix) => name === file + suffix));
  for (const name of names) await rename(join(dataDir, name), join(dataDir, `${name}.aside`));
  return {
    async putBack() {
      for (const suffix of suffixes) await rm(join(dataDir, file + suffix), { force: true });
      for (const name of names) await rename(join(dataDir, `${name}.aside`), join(dataDir, name));
    },
  };
}
