import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installedServers } from "../../../infra/servers/installed-servers.ts";
import { influxAnswers } from "../../../infra/servers/server-answers.ts";
import type { ServerProcess } from "./server-process.ts";
import { freePorts, serverProcess, withProcess } from "./server-process.ts";

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

export function influxIsThere(): boolean {
  return installedServers().influxd !== undefined;
}

const account = {
  username: "meterbook",
  password: "meterbook-tests",
  org: "meterbook",
  bucket: "meterbook",
  token: "tests-token",
};

export async function startInflux(): Promise<InfluxServer> {
  const { influxd } = installedServers();
  if (influxd === undefined) throw new Error("InfluxDB is not installed: npm run servers -- install");
  const directory = await mkdtemp(join(tmpdir(), "meterbook-influx-"));
  const [port] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const { token, org, bucket } = account;
  const paths = [
    ["--bolt-path", join(directory, "influxd.bolt")],
    ["--sqlite-path", join(directory, "influxd.sqlite")],
    ["--engine-path", join(directory, "engine")],
  ].flat();
  const server = serverProcess({
    command: influxd,
    arguments: [
      "run",
      ...paths,
      "--http-bind-address",
      `127.0.0.1:${port}`,
      "--reporting-disabled",
      "--log-level",
      "warn",
    ],
    environment: { HOME: directory },
    answers: () => influxAnswers(url),
  });

  async function call(path: string, body?: object): Promise<Record<string, unknown>> {
    const response = await fetch(url + path, {
      headers: { authorization: `Token ${token}` },
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  }

  async function dispose(): Promise<void> {
    await server.kill();
    await rm(directory, { recursive: true, force: true });
  }

  let made = 0;
  try {
    await server.start();
    await call("/api/v2/setup", account);
  } catch (error) {
    await dispose();
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
  return withProcess({ url, token, org, bucket, newBucket, dispose }, server);
}
