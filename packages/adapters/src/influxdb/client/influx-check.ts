import type { Clock } from "@meterbook/core/ports/clock";
import type { InfluxAnswer, InfluxConnection, InfluxOptions } from "./influx-connection.ts";
import { influxConnection, settingAtFault } from "./influx-connection.ts";

/** What a server said of itself at the start. */
export interface InfluxCheck {
  /** Each names the setting to change; with any of them Meterbook must not start. */
  readonly problems: readonly string[];
  /** Worth a line in the log. */
  readonly warnings: readonly string[];
}

const clockSkewSecondsMax = 60;
const goodVersion = [2, 9, 1] as const;
const proof = { line: "check,server=meterbook ok=1i 0", query: 'SELECT ok FROM "check" WHERE time = 0s' };

/**
 * Looks at every server: whether it is an InfluxDB 2.x, whether organisation and bucket are there, keep points for ever
 * and may be read and written with the token. A server that does not answer is a problem like the others.
 *
 * Writing and reading back is the only proof: a token that may not read is answered with no rows, as if there were
 * none.
 */
export async function checkInflux(options: InfluxOptions, clock: Clock): Promise<InfluxCheck> {
  const found = { problems: [] as string[], warnings: [] as string[] };
  for (const server of options.servers) {
    const connection = influxConnection(server, options);
    try {
      await checkServer(connection, clock, found);
    } catch (error) {
      found.problems.push(`METERBOOK_INFLUX_URL: ${connection.url} does not answer (${(error as Error).message})`);
    } finally {
      connection.close();
    }
  }
  return { problems: [...new Set(found.problems)], warnings: found.warnings };
}

interface Found {
  readonly problems: string[];
  readonly warnings: string[];
}

async function checkServer(connection: InfluxConnection, clock: Clock, found: Found): Promise<void> {
  const health = await connection.send({ method: "GET", path: "/health" });
  const version = versionOf(health);
  if (version === undefined || version[0] !== 2) {
    const said = version === undefined ? `it answered ${health.status}` : `it is version ${version.join(".")}`;
    found.problems.push(`METERBOOK_INFLUX_URL: ${connection.url} is no InfluxDB 2.x (${said})`);
    return;
  }
  if (isOlder(version, goodVersion)) {
    found.warnings.push(`${connection.url} is InfluxDB ${version.join(".")}; 2.9.1 or newer is recommended`);
  }
  const skew = clockSkewSeconds(health, clock);
  if (Math.abs(skew) > clockSkewSecondsMax) {
    found.warnings.push(`the clock of ${connection.url} differs by ${Math.round(skew)} s from ours`);
  }
  await checkBucket(connection, found);
  await checkRights(connection, found);
}

async function checkBucket(connection: InfluxConnection, found: Found): Promise<void> {
  const { org, bucket, url } = connection;
  const target = new URLSearchParams({ org, name: bucket });
  const answer = await connection.send({ method: "GET", path: `/api/v2/buckets?${target}` });
  if (answer.status !== 200) {
    found.problems.push(settingAtFault(answer, connection) ?? unexpected(answer, connection));
    return;
  }
  const { buckets = [] } = JSON.parse(answer.body) as {
    buckets?: readonly { name: string; retentionRules?: readonly { everySeconds?: number }[] }[];
  };
  // A token that may only write sees no bucket; checkRights tells that.
  const seconds = buckets.find(({ name }) => name === bucket)?.retentionRules?.[0]?.everySeconds ?? 0;
  if (seconds === 0) return;
  const days = Math.round(seconds / 86_400);
  found.problems.push(
    `METERBOOK_INFLUX_BUCKET=${bucket} on ${url} keeps points for ${days} days only; its retention must be infinite`,
  );
}

async function checkRights(connection: InfluxConnection, found: Found): Promise<void> {
  const { org, bucket } = connection;
  if (found.problems.some((problem) => problem.includes(connection.url))) return;
  const target = new URLSearchParams({ org, bucket, precision: "s" });
  const headers = { "content-type": "text/plain; charset=utf-8" };
  const path = `/api/v2/write?${target}`;
  const written = await connection.send({ method: "POST", path, headers, body: proof.line });
  if (written.status !== 204) {
    found.problems.push(settingAtFault(written, connection) ?? unexpected(written, connection));
    return;
  }
  const question = new URLSearchParams({ db: bucket, q: proof.query });
  const read = await connection.send({ method: "GET", path: `/query?${question}` });
  if (read.status === 200 && read.body.includes('"values"')) return;
  const atFault = settingAtFault(read, connection);
  found.problems.push(
    atFault ??
      `METERBOOK_INFLUX_TOKEN may not read METERBOOK_INFLUX_BUCKET=${bucket} (${connection.url} did not give back what was written)`,
  );
}

function unexpected({ status, body }: InfluxAnswer, { url }: InfluxConnection): string {
  return `METERBOOK_INFLUX_URL: ${url} answered ${status}: ${body}`;
}

function versionOf({ body }: InfluxAnswer): readonly number[] | undefined {
  const parts = /"version":\s*"v?(\d+)\.(\d+)\.(\d+)/.exec(body);
  return parts === null ? undefined : parts.slice(1, 4).map(Number);
}

function isOlder(version: readonly number[], than: readonly number[]): boolean {
  for (const [index, part] of than.entries()) {
    const own = version[index] ?? 0;
    if (own !== part) return own < part;
  }
  return false;
}

function clockSkewSeconds({ headers }: InfluxAnswer, clock: Clock): number {
  const theirs = Date.parse(String(headers["date"]));
  return Number.isNaN(theirs) ? 0 : (theirs - clock.nowMs()) / 1000;
}
