import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { installedServers } from "../../../infra/servers/installed-servers.ts";
import { accepts } from "../../../infra/servers/server-answers.ts";
import { mosquittoConfiguration } from "../../../infra/servers/server-configuration.ts";
import { containerProcess, images } from "./container-process.ts";
import type { ServerProcess } from "./server-process.ts";
import { freePorts, serverProcess, withProcess } from "./server-process.ts";
import { type ServerWay, serverWay } from "./server-way.ts";

/** A real Mosquitto. */
export interface MosquittoServer extends ServerProcess {
  /** `mqtt://127.0.0.1:port` */
  readonly url: string;
  dispose(): Promise<void>;
}

/** Whether `startMosquitto` can start one here. */
export function mosquittoIsThere(): boolean {
  return way() !== undefined;
}

function way(): ServerWay | undefined {
  return serverWay(installedServers().mosquitto !== undefined);
}

/** @param more lines of configuration after ours. */
export async function startMosquitto(more = "", as = way()): Promise<MosquittoServer> {
  if (as === undefined) throw new Error("Mosquitto cannot be had here (Debian: apt-get install mosquitto)");
  const [port] = (await freePorts(1)) as [number];
  const server = await (as === "docker" ? container(port, more) : native(port, more));
  try {
    await server.start();
  } catch (error) {
    await server.dispose();
    throw error;
  }
  return withProcess({ url: `mqtt://127.0.0.1:${port}`, dispose: () => server.dispose() }, server);
}

type Disposable = ServerProcess & { dispose(): Promise<void> };

async function native(port: number, more: string): Promise<Disposable> {
  const dataDir = await mkdtemp(join(tmpdir(), "meterbook-mosquitto-"));
  const file = join(dataDir, "mosquitto.conf");
  const options = { listener: `${port} 127.0.0.1`, dataDir, user: userInfo().username };
  await writeFile(file, `${mosquittoConfiguration(options)}${more}\n`);
  const command = installedServers().mosquitto ?? "mosquitto";
  const server = serverProcess({ command, arguments: ["-c", file], answers: () => accepts(port) });
  async function dispose(): Promise<void> {
    await server.kill();
    await rm(dataDir, { recursive: true, force: true });
  }
  return withProcess({ dispose }, server);
}

function container(port: number, more: string): Promise<Disposable> {
  const target = "/tmp/mosquitto.conf";
  const content = mosquittoConfiguration({ listener: "1883 0.0.0.0", dataDir: "/tmp", user: "root" });
  return containerProcess({
    image: images.mosquitto,
    command: ["mosquitto", "-c", target],
    files: [{ target, content: `${content}${more}\n` }],
    ports: [{ container: 1883, host: port }],
    answers: () => accepts(port),
  });
}
