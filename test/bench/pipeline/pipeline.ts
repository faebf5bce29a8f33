import type { FreshServers } from "../fresh-servers.ts";
import type { LoadForm } from "../load/raw-load-formula.ts";

/** What can be measured and killed. */
export interface BenchedProcess {
  readonly pid: number;
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** A way of messages from MQTT over Kafka into InfluxDB. */
export interface Pipeline {
  readonly name: string;
  /** The form of the load generator that it takes. */
  readonly load: LoadForm;
  start(servers: FreshServers): Promise<RunningPipeline>;
}

export interface RunningPipeline {
  /** Where meters report. */
  readonly port: number;
  /** The processes between the servers. */
  readonly bridge: Readonly<Record<string, BenchedProcess>>;
  /** A broker in front of them. */
  readonly front: Readonly<Record<string, BenchedProcess>>;
  /**
   * Each answers, in its second column, a part of how many instants of meters are stored; one may be in several parts
   * after a kill.
   */
  readonly countQueries: readonly string[];
  /** Answer all that is stored as rows of instant, meter and its first register. */
  readonly rowQueries: readonly string[];
  /** Answers a row once the reading can be queried. */
  probeQuery(meterId: string, at: number): string;
  dispose(): Promise<void>;
}
