import { cp, mkdtemp, rename, rm } from "node:fs/promises";
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
  /** Deletes a bucket with all that is in it and makes it anew under its name. */
  remakeBucket(name: string): Promise<void>;
  /** Stops it, copies all that it has, starts it again; undefined where its files are out of reach (a container). */
  keepCopy: (() => Promise<InfluxCopy>) | undefined;
  dispose(): Promise<void>;
}

/** What a server had at some moment. */
export interface InfluxCopy {
  /** Stops the server, replaces its data with this copy, and starts it again: what a restore from a backup does. */
  putBack(): Promise<void>;
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

interface Disposable extends ServerProcess {
  readonly keepCopy?: () => Promise<InfluxCopy>;
  dispose(): Promise<void>;
}

function influxdArguments(directory: string, listen: string): string[] {
  const paths = { "--bolt-path": "influxd.bolt", "--sqlite-path": "influxd.sqlite", "--engine-path": "engine" };
  const places = Object.entries(paths).flatMap(([option, name]) => [option, `${directory}/${name}`]);
  return ["run", ...places, "--http-bind-address", listen, "--reporting-disabled", "--log-level", "warn"];
}

async function native(port: number): Promise<Disposable> {
  const directory = await mkdtemp(join(tmpdir(), "meterbook-influx-"));
  let copies = 0;
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
  async function keepCopy(): Promise<InfluxCopy> {
    copies += 1;
    const copy = `${directory}-copy-${copies}`;
    await server.stop();
    await cp(directory, copy, { recursive: true });
    await server.start();
    return {
      async putBack() {
        await server.stop();
        await rm(directory, { recursive: true, force: true });
        await rename(copy, directory);
        await server.start();
      },
    };
  }
  return withProcess({ dispose, keepCopy }, server);
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
  async function call(path: string, body?: object, method = "POST"): Promise<Record<string, unknown>> {
    const response = await fetch(url + path, {
      headers: { authorization: `Token ${token}` },
      ...(body === undefined ? {} : { method, ...(method === "POST" ? { body: JSON.stringify(body) } : {}) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? {} : ((await response.json()) as Record<string, unknown>);
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
  async function remakeBucket(name: string): Promise<void> {
    const { buckets } = (await call(`/api/v2/buckets?name=${name}`)) as { buckets: { id: string; orgID: string }[] };
    const [{ id, orgID }] = buckets as [{ id: string; orgID: string }];
    await call(`/api/v2/buckets/${id}`, {}, "DELETE");
    await call("/api/v2/buckets", { name, orgID, retentionRules: [] });
  }
  const { keepCopy } = server;
  return withProcess(
    { url, token, org, bucket, newBucket, remakeBucket, keepCopy, dispose: () => server.dispose() },
    server,
  );
}
