// Goal: a supervisor that signals npm ends the service (D10), and npm may run on Node 20. Method: npm as a process of
// its own, SIGTERM to it alone.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("D10: SIGTERM to npm reaches the service behind it, which drains and lets its ports go", async () => {
  const npm = spawn("npm", ["run", "standalone"], {
    cwd: root,
    env: {
      ...process.env,
      METERBOOK_DATA_DIR: await temporaryDirectory(),
      METERBOOK_MQTT_LISTEN: "127.0.0.1:0",
      METERBOOK_HTTP_LISTEN: "127.0.0.1:0",
    },
    stdio: ["ignore", "pipe", "inherit"],
    // A group of its own, so that whatever a failure leaves behind can be ended.
    detached: true,
  });
  onTestFinished(() => endGroup(npm));
  const httpUrl = await readyUrl(npm);
  expect((await fetch(`${httpUrl}/healthz`)).status).toBe(200);
  npm.kill("SIGTERM");
  await once(npm, "exit");
  await expect(fetch(`${httpUrl}/healthz`)).rejects.toThrow();
});

/** Takes connections and says nothing: a service that looks for its servers waits. */
async function silentServer(): Promise<number> {
  const server = createServer((socket) => socket.on("error", () => undefined));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

const commands: readonly (readonly [command: string, args: readonly string[], module: string])[] = [
  ["start", [], "services/standalone/src/main.ts"],
  ["ingest", [], "services/ingest/src/main.ts"],
  ["aggregator", [], "services/aggregator/src/main.ts"],
  ["api", [], "services/api/src/main.ts"],
  ["topics", [], "services/topics/src/main.ts"],
  ["verify", ["--", "--kafka"], "services/standalone/src/commands/verify.ts"],
];

test.for(commands)("D10: npm run %s: SIGTERM to npm ends what runs behind it", async ([command, args, module]) => {
  const silent = await silentServer();
  const npm = spawn("npm", ["run", command, ...args], {
    cwd: root,
    env: {
      ...process.env,
      METERBOOK_DATA_DIR: await temporaryDirectory(),
      METERBOOK_MQTT_LISTEN: "127.0.0.1:0",
      METERBOOK_HTTP_LISTEN: "127.0.0.1:0",
      METERBOOK_KAFKA_BROKERS: `127.0.0.1:${silent}`,
      METERBOOK_INFLUX_URL: `http://127.0.0.1:${silent}`,
      METERBOOK_INFLUX_TOKEN: "t",
      METERBOOK_INFLUX_ORG: "o",
      METERBOOK_INFLUX_BUCKET: "b",
    },
    stdio: "ignore",
    detached: true,
  });
  onTestFinished(() => endGroup(npm));
  await expect.poll(() => running(npm, module), { timeout: 20_000 }).toHaveLength(1);
  npm.kill("SIGTERM");
  await once(npm, "exit");
  expect(running(npm, module)).toEqual([]);
});

/** Processes of npm's group that run this module. */
function running({ pid: group }: ChildProcess, module: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      const words = readOr(`/proc/${name}/cmdline`).split("\0");
      const stat = readOr(`/proc/${name}/stat`);
      // Behind the name of the program, which may hold anything: state, parent, group.
      const [, , ofGroup] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(ofGroup) === group && words[0]?.endsWith("node") === true && words.includes(module);
    })
    .map(Number);
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

const node20 = findNode20();

test.skipIf(node20 === undefined)("npm on Node 20 starts Meterbook", async () => {
  const npm = spawn("npm", ["run", "standalone"], {
    cwd: root,
    env: {
      ...process.env,
      PATH: `${node20}${delimiter}${pathWithoutOurs()}`,
      METERBOOK_DATA_DIR: await temporaryDirectory(),
      METERBOOK_MQTT_LISTEN: "127.0.0.1:0",
      METERBOOK_HTTP_LISTEN: "127.0.0.1:0",
    },
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  onTestFinished(() => endGroup(npm));
  expect((await fetch(`${await readyUrl(npm)}/healthz`)).status).toBe(200);
  npm.kill("SIGTERM");
  const [code] = await once(npm, "exit");
  expect(code).toBe(0);
});

/** Whoever runs the tests has put our own Node in front. */
function pathWithoutOurs(): string {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.filter((folder) => !folder.includes("node_modules")).join(delimiter);
}

/**
 * The folder of a Node 20: the machine's own, or one from the registry, which is kept; a word where there is neither.
 */
function findNode20(): string | undefined {
  const own = versionOf("node", pathWithoutOurs());
  if (own?.startsWith("v20.")) return dirname(own.slice(own.indexOf(" ") + 1));
  const kept = join(root, "node_modules", ".cache", "node-20");
  const folder = join(kept, "node_modules", "node", "bin");
  const install = ["install", "--prefix", kept, "--no-save", "--no-audit", "--no-fund", "node@20"];
  if (!existsSync(folder)) spawnSync("npm", install, { timeout: 60_000, stdio: "ignore" });
  if (versionOf("node", folder)?.startsWith("v20.")) return folder;
  console.log("Node 20 is left out: neither the machine nor the registry has it");
  return undefined;
}

/** Its version and path. */
function versionOf(program: string, path: string): string | undefined {
  const script = "process.stdout.write(process.version + ' ' + process.execPath)";
  const { stdout, status } = spawnSync(program, ["-e", script], { env: { PATH: path }, encoding: "utf8" });
  return status === 0 ? stdout : undefined;
}

function endGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-(pid as number), "SIGKILL");
  } catch {
    // All of it has ended.
  }
}

async function readyUrl({ stdout }: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: stdout as NodeJS.ReadableStream })) {
    const url = /^meterbook ready .*(http:\/\/\S+)/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error("npm run standalone ended before it was ready");
}
