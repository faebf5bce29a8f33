import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { installedServers } from "../../../infra/servers/installed-servers.ts";
import { accepts } from "../../../infra/servers/server-answers.ts";
import { mosquittoConfiguration } from "../../../infra/servers/server-configuration.ts";
import type { ServerProcess } from "./server-process.ts";
import { freePorts, serverProcess, withProcess } from "./server-process.ts";

/** A real Mosquitto. */
export interface MosquittoServer extends ServerProcess {
  /** `mqtt://127.0.0.1:port` */
  readonly url: string;
  dispose(): Promise<void>;
}

export function mosquittoIsThere(): boolean {
  return installedServers().mosquitto !== undefined;
}

/** @param more lines of configuration after ours. */
export async function startMosquitto(more = ""): Promise<MosquittoServer> {
  const { mosquitto } = installedServers();
  if (mosquitto === undefined) throw new Error("Mosquitto is not installed (Debian: apt-get install mosquitto)");
  const dataDir = await mkdtemp(join(tmpdir(), "meterbook-mosquitto-"));
  const [port] = (await freePorts(1)) as [number];
  const file = join(dataDir, "mosquitto.conf");
  await writeFile(
    file,
    `${mosquittoConfiguration({ listener: `${port} 127.0.0.1`, dataDir, user: userInfo().username })}${more}\n`,
  );
  const server = serverProcess({ command: mosquitto, arguments: ["-c", file], answers: () => accepts(port) });
  async function dispose(): Promise<void> {
    await server.kill();
    await rm(dataDir, { recursive: true, force: true });
  }
  try {
    await server.start();
  } catch (error) {
    await dispose();
    throw error;
  }
  return withProcess({ url: `mqtt://127.0.0.1:${port}`, dispose }, server);
}
