import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installedServers } from "../../../infra/servers/installed-servers.ts";
import { influxAnswers } from "../../../infra/servers/server-answers.ts";
import { containerProcess, images } from "./container-process.ts";
import type { ServerProcess } from "./server-process.ts";
import { freePorts, serverProcess, withProcess } from "./server-process.ts";
import { type ServerWay, serverWay } from "./server-way.ts";

/** A real InfluxDB 2.x. */
export interface InfluxServer extends ServerProcess {
  readonly url: string;
  readonly token: string;
  readonly org: string;
  /** Made at the first start, with infinite retention. */
  readonly bucket: string;
  /** Another bucket of its own; `retentionSeconds` 0 = infinite. Answers its name. */
  newBucket(options?: { retentionSeconds?: number }): Promise<string>;
  dispose(): Promise<void>;
}

/** Whether `startInflux` can start one here. */
export function influxIsThere(): boolean {
  return way() !== undefined;
}

function way(): ServerWay | undefined {
  return serverWay(installedServers().influxd !== undefined);
}

const account = {
  username: "meterbook",
  password: "meterbook-tests",
  org: "meterbook",
  bucket: "meterbook",
  token: "tests-token",
};

export async function startInflux(as = way()): Promise<InfluxServer> {
  if (as === undefined) throw new Error("InfluxDB cannot be had here: npm run servers -- install");
  const [port] = (await freePorts(1)) as [number];
  return settled(`http://127.0.0.1:${port}`, await (as === "docker" ? container(port) : native(port)));
}

type Disposable = ServerProcess & { dispose(): Promise<void> };

function influxdArguments(directory: string, listen: string): string[] {
  const paths = { "--bolt-path": "influxd.bolt", "--sqlite-path": "influxd.sqlite", "--engine-path": "engine" };
  const places = Object.entries(paths).flatMap(([option, name]) => [option, `${directory}/${name}`]);
  return ["run", ...places, "--http-bind-address", listen, "--reporting-disabled", "--log-level", "warn"];
}

async function native(port: number): Promise<Disposable> {
  const directory = await mkdtemp(join(tmpdir(), "meterbook-influx-"));
  const server = serverProcess({
    command: installedServers().influxd ?? "influxd",
    arguments: influxdArguments(directory, `127.0.0.1:${port}`),
    environment: { HOME: directory },
    answers: () => influxAnswers(`http://127.0.0.1:${port}`),
  });
  async function dispose(): Promise<void> {
    await server.kill();
    await rm(directory, { recursive: true, force: true });
  }
  return withProcess({ dispose }, server);
}

function container(port: number): Promise<Disposable> {
  return containerProcess({
    image: images.influxdb,
    command: ["influxd", ...influxdArguments("/tmp/influx", "0.0.0.0:8086")],
    environment: { HOME: "/tmp" },
    ports: [{ container: 8086, host: port }],
    answers: () => influxAnswers(`http://127.0.0.1:${port}`),
  });
}

async function settled(url: string, server: Disposable): Promise<InfluxServer> {
  const { token, org, bucket } = account;
  async function call(path: string, body?: object): Promise<Record<string, unknown>> {
    const response = await fetch(url + path, {
      headers: { authorization: `Token ${token}` },
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  }

  let made = 0;
  try {
    await server.start();
    await call("/api/v2/setup", account);
  } catch (error) {
    await server.dispose();
    throw error;
  }
  async function newBucket({ retentionSeconds = 0 } = {}): Promise<string> {
    made += 1;
    const name = `bucket-${made}`;
    const { orgs } = (await call("/api/v2/orgs")) as { orgs: { id: string }[] };
    const retentionRules = retentionSeconds === 0 ? [] : [{ type: "expire", everySeconds: retentionSeconds }];
    await call("/api/v2/buckets", { name, orgID: orgs[0]?.id, retentionRules });
    return name;
  }
  return withProcess({ url, token, org, bucket, newBucket, dispose: () => server.dispose() }, server);
}
