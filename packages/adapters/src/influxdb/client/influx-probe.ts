import { type InfluxOptions, influxConnection, settingAtFault } from "./influx-connection.ts";

/** A small question to one server, with our token and of our bucket. */
export interface InfluxProbe {
  readonly url: string;
  /** Answers what the server's clock shows; undefined where it does not say. */
  ask(): Promise<number | undefined>;
  close(): void;
}

const question = 'SELECT ok FROM "check" WHERE time = 0s';
/** Longer than who watches waits: its limit is theirs. */
const requestMsMax = 10_000;

/** One for each server. */
export function influxProbes(options: InfluxOptions): InfluxProbe[] {
  return options.servers.map((server) => {
    const connection = influxConnection(server, { ...options, requestMsMax });
    const path = `/query?${new URLSearchParams({ db: options.bucket, q: question })}`;
    return {
      url: server.url,
      async ask() {
        const answer = await connection.send({ method: "GET", path });
        const atFault = settingAtFault(answer, connection);
        if (atFault !== undefined) throw new Error(atFault);
        if (answer.status !== 200) throw new Error(`${server.url} answered ${answer.status}: ${answer.body}`);
        const failed = (JSON.parse(answer.body) as { results?: readonly { error?: string }[] }).results?.[0]?.error;
        if (failed !== undefined) throw new Error(`METERBOOK_INFLUX_BUCKET=${options.bucket}: ${failed}`);
        const atMs = Date.parse(String(answer.headers["date"]));
        return Number.isNaN(atMs) ? undefined : atMs;
      },
      close: connection.close,
    };
  });
}
