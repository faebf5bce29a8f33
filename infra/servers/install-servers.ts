import { execFile, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { installedServers, onPath, serversCache, versions } from "./installed-servers.ts";

const here = dirname(fileURLToPath(import.meta.url));
const installMinutesMax = 30;

/** What each program is needed for is told by who needs it; this is how to have it. */
const howToHave: Readonly<Record<string, string>> = {
  java: "apt-get install default-jre-headless",
  mvn: "apt-get install maven",
  go: "Go 1.25 or newer: https://go.dev/dl, or golang-go of a Debian that has it",
  cargo: "Rust: https://rustup.rs",
  clang: "apt-get install clang",
  "pkg-config": "apt-get install pkg-config",
  mosquitto: "apt-get install mosquitto",
};

/** `name (how to have it)` of each program that is not on the PATH. */
export function missingPrograms(programs: readonly string[]): string[] {
  return programs
    .filter((program) => onPath(program) === undefined)
    .map((program) => `${program} (${howToHave[program] ?? "not on the PATH"})`);
}

interface Installation {
  readonly name: string;
  readonly takes: string;
  readonly programs: readonly string[];
  isThere(): boolean;
  /** Makes it at `to`, which is not there yet. */
  make(to: string): Promise<void>;
  readonly place: string;
}

const telegrafPlugins = [
  ...["inputs.mqtt_consumer", "inputs.kafka_consumer", "outputs.kafka", "outputs.influxdb_v2", "outputs.discard"],
  ...["parsers.json", "parsers.json_v2", "parsers.xpath", "parsers.influx", "serializers.influx"],
];

const installations: readonly Installation[] = [
  {
    name: "kafka",
    takes: "some seconds",
    programs: ["java", "mvn"],
    isThere: () => installedServers().kafkaLibs !== undefined,
    make: (to) =>
      run("mvn", ["-q", "-B", "-ntp", "dependency:copy-dependencies", `-DoutputDirectory=${to}`], join(here, "kafka")),
    place: `kafka-${versions.kafka}`,
  },
  {
    name: "influxdb",
    takes: "about 5 minutes, built from its source",
    programs: ["go", "cargo", "clang", "pkg-config"],
    isThere: () => installedServers().influxd !== undefined,
    make: makeInfluxd,
    place: `influxd-${versions.influxdb}`,
  },
  {
    name: "telegraf",
    takes: "about 2 minutes, built from its source",
    programs: ["go"],
    isThere: () => installedServers().telegraf !== undefined,
    make: (to) =>
      goBuild("telegraf", to, "github.com/influxdata/telegraf/cmd/telegraf", {
        tags: ["custom", ...telegrafPlugins],
        ldflags: `-s -w -X github.com/influxdata/telegraf/internal.Version=${versions.telegraf}`,
      }),
    place: `telegraf-${versions.telegraf}`,
  },
  {
    name: "compose",
    takes: "about 3 minutes, built from its source",
    programs: ["go"],
    isThere: () => installedServers().compose !== undefined,
    make: (to) =>
      goBuild("compose", to, "github.com/docker/compose/v2/cmd", {
        ldflags: `-s -w -X github.com/docker/compose/v2/internal.Version=v${versions.compose}`,
      }),
    place: `docker-compose-${versions.compose}`,
  },
];

export const installable: readonly string[] = installations.map(({ name }) => name);

/**
 * Brings what of `names` is not there yet into the cache, and prints a line for each. Answers what could not be had, as
 * lines that say why; the others are installed nevertheless.
 */
export async function installServers(names: readonly string[]): Promise<string[]> {
  const problems: string[] = [];
  const wanted = installations.filter(({ name, isThere }) => names.includes(name) && !isThere());
  const lacking = wanted.map(({ name, programs }) => ({ name, missing: missingPrograms(programs) }));
  // Before minutes of building, not after them (N10).
  for (const { name, missing } of lacking.filter((one) => one.missing.length > 0))
    console.error(`${name} cannot be made without ${missing.join(", ")}`);
  for (const installation of installations.filter(({ name }) => names.includes(name))) {
    const problem = await install(installation).catch((error: Error) => error.message);
    if (problem !== undefined) problems.push(`${installation.name}: ${problem}`);
  }
  return problems;
}

async function install({ name, takes, programs, isThere, make, place }: Installation): Promise<string | undefined> {
  if (isThere()) {
    console.log(`${name}: is there`);
    return undefined;
  }
  const missing = missingPrograms(programs);
  if (missing.length > 0) return `cannot be made without ${missing.join(", ")}`;
  console.log(`${name}: is made now, once for this user (${takes}) ...`);
  const startedAtMs = Date.now();
  mkdirSync(serversCache(), { recursive: true });
  const workshop = mkdtempSync(join(serversCache(), "making-"));
  try {
    await make(join(workshop, place));
    chmodSync(join(workshop, place), 0o755);
    renameSync(join(workshop, place), join(serversCache(), place));
  } catch (error) {
    // Another process may have been faster.
    if (!isThere()) throw error;
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
  console.log(`${name}: made in ${Math.round((Date.now() - startedAtMs) / 1000)} s`);
  return undefined;
}

/** Its own pkg-config builds libflux, which is Rust, and asks the system's for the rest. */
async function makeInfluxd(to: string): Promise<void> {
  const pkgConfig = join(dirname(to), "pkg-config");
  await goBuild("influxdb", pkgConfig, "github.com/influxdata/pkg-config");
  const toolchain = process.env["RUSTUP_TOOLCHAIN"] ?? (await rustToolchain());
  await goBuild("influxdb", to, "github.com/influxdata/influxdb/v2/cmd/influxd", {
    tags: ["sqlite_foreign_keys", "sqlite_json", "noassets"],
    ldflags: `-s -w -X main.version=v${versions.influxdb}`,
    environment: { PKG_CONFIG: pkgConfig, ...(toolchain === undefined ? {} : { RUSTUP_TOOLCHAIN: toolchain }) },
  });
}

/** libflux asks rustup for a toolchain of its own, older than need be; we name the one that is there. */
async function rustToolchain(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)("rustup", ["show", "active-toolchain"], { cwd: homedir() });
    return stdout.split(/\s/)[0];
  } catch {
    return undefined;
  }
}

interface GoBuild {
  readonly tags?: readonly string[];
  readonly ldflags?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

function goBuild(module: string, to: string, what: string, { tags = [], ldflags = "", environment }: GoBuild = {}) {
  const flags = ["-mod=readonly", "-trimpath", "-tags", tags.join(","), "-ldflags", ldflags];
  return run("go", ["build", ...flags, "-o", to, what], join(here, module), { ...environment, GOFLAGS: "" });
}

/** Rejects with the end of what the command wrote. */
function run(command: string, args: readonly string[], cwd: string, environment: NodeJS.ProcessEnv = {}) {
  return new Promise<void>((resolve, reject) => {
    const timeout = installMinutesMax * 60_000;
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
      timeout,
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-4000);
      });
    }
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ended with ${code ?? signal}\n${output}`));
    });
  });
}
