import { readFileSync } from "node:fs";
import type { RuleBook } from "@meterbook/core/domain/valuation/rule-book";
import { readEnvText } from "./env-file.ts";
import { type GapSettings, gapsFrom } from "./gap-settings.ts";
import type { InfluxServerSetting } from "./influx-servers.ts";
import { type KafkaSettings, kafkaFrom } from "./kafka-settings.ts";
import { machineBytes, metersPerPartitionMax, metersThatFit } from "./memory-share.ts";
import { type MqttBrokerSettings, type MqttTlsSettings, mqttBrokerFrom, mqttTlsFrom } from "./mqtt-settings.ts";
import { clockThresholds, doorFrom, ruleBookFrom } from "./rule-settings.ts";
import { type Environment, settingsThatNeedOthers } from "./setting-needs.ts";
import type { SettingProblem } from "./setting-problem.ts";
import {
  isLoopback,
  type ListenAddress,
  type ReadSettings,
  type settingNames,
  settingSchema,
} from "./setting-schema.ts";
import { unknownSettings } from "./unknown-settings.ts";

export interface InfluxSettings {
  readonly servers: readonly (InfluxServerSetting & {
    readonly token: string;
    readonly compression: "gzip" | "none";
  })[];
  readonly org: string;
  readonly bucket: string;
}

/** What a Meterbook process is told from outside, checked. Absent means that the setting was not given. */
export interface Settings {
  readonly dataDir: string;
  /** Of a data directory that is made; another must have as many. */
  readonly shards?: number | undefined;
  readonly mqttListen: ListenAddress;
  readonly mqttBroker?: MqttBrokerSettings | undefined;
  readonly mqttTls?: MqttTlsSettings | undefined;
  readonly mqttIdentitiesFile?: string | undefined;
  readonly httpListen: ListenAddress;
  /** The IANA zone of a usage point that names none. */
  readonly timeZone: string;
  /** 0 to 86 400; 0 recomputes at once. */
  readonly settleSeconds: number;
  /** What a partition of the readings log takes in. */
  readonly admission: {
    readonly unknownMeters: "accept" | "refuse";
    readonly channelsPerMeterMax: number;
    readonly metersMax: number;
  };
  /** What one message may hold. */
  readonly messages: {
    readonly bytesMax: number;
    readonly registersMax: number;
    /** What its readings are judged by. */
    readonly rules: ReturnType<typeof doorFrom>;
  };
  /** What months are judged by. */
  readonly rules: RuleBook;
  readonly gaps: GapSettings;
  readonly apiKeysFile?: string | undefined;
  readonly kafka?: KafkaSettings | undefined;
  readonly influx?: InfluxSettings | undefined;
  readonly packetBytesMax: number;
  readonly connectionsMax: number;
  /** So long before its end a certificate or a revocation list is a notice. */
  readonly certificateNoticeDays: number;
  readonly logRetentionDays: number;
  /** So far may clocks differ, and jump. */
  readonly clockToleranceSeconds: number;
  readonly clockLeapSecondsMax: number;
  /** Of what is refused, all together and of one sender, and how long it is kept. */
  readonly rejected: {
    readonly bytesMax: number;
    readonly bytesPerSenderMax: number;
    readonly retentionDays: number;
  };
  /** How long it is kept who has read what. */
  readonly auditRetentionDays: number;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  /** `auto`: text on a terminal, JSON elsewhere. */
  readonly logFormat: "auto" | "text" | "json";
  /** Tests only: see crash-point.ts. */
  readonly crashAt?: string | undefined;
}

export type SettingsResult =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly SettingProblem[] };

/** Which process asks: each needs some settings that others do without. */
export type ServiceName = "standalone" | "ingest" | "aggregator" | "api" | "topics" | "verify";

export interface LoadOptions {
  /** The text of a `.env` file. */
  readonly envFile?: string;
  /** `standalone` where absent. */
  readonly service?: ServiceName;
}

/**
 * Reads the settings from an environment, with `envFile` (the text of a `.env` file) for what the environment leaves
 * out. Every problem is in the result, not only the first; nothing is opened.
 */
export function loadSettings(environment: Environment, options: LoadOptions = {}): SettingsResult {
  const envFile = readEnvText(options.envFile ?? "");
  const given = merged({ ...envFile.values, ...environment });
  const read = settingSchema.safeParse(given);
  const malformed = (read.error?.issues ?? []).map((issue) => ({
    name: String(issue.path[0]),
    value: withoutPassword(given[String(issue.path[0])]),
    expected: issue.message,
  }));
  const { service = "standalone" } = options;
  const problems = [
    ...envFile.problems,
    ...malformed,
    ...unsafeListening(given, service),
    ...missing(given, service),
    ...settingsThatNeedOthers(given),
    ...clockThresholds(given),
    ...tokensThatMissServers(given),
    ...unknownSettings(given),
  ];
  if (problems.length > 0 || !read.success) return { ok: false, problems: oncePerName(problems) };
  return { ok: true, settings: settingsFrom(read.data, service) };
}

/** The settings of this process, or exit 2 with all problems on standard error. Reads `.env` where there is one. */
export function settingsOrExit(service: ServiceName = "standalone"): Settings {
  const result = loadSettings(process.env, { envFile: readEnvFile(".env"), service });
  if (result.ok) return result.settings;
  process.stderr.write(`${describeProblems(result.problems)}\n`);
  process.exit(2);
}

/** One line per problem: the setting, the value it has, what is expected. */
export function describeProblems(problems: readonly SettingProblem[]): string {
  const count = problems.length === 1 ? "one setting is" : `${problems.length} settings are`;
  const lines = problems.map(({ name, value, expected }) => {
    const given = value === undefined ? name : `${name}=${value}`;
    return `  ${given}: expected ${expected}`;
  });
  return [`Meterbook cannot start, ${count} wrong (docs/operations.md lists all):`, ...lines].join("\n");
}

/** Names in other letters too: they are none, and are told as such. */
function merged(given: Environment): Record<string, string> {
  const named = Object.entries(given).filter(([name]) => /^METERBOOK_/i.test(name));
  return Object.fromEntries(named.filter((entry): entry is [string, string] => (entry[1] ?? "") !== ""));
}

/** Without keys everyone who reaches the API may read bills and close months, so only this machine may reach it. */
function unsafeListening(given: Environment, service: ServiceName): SettingProblem[] {
  // The others answer with their health and metrics only.
  if (service !== "api" && service !== "standalone") return [];
  const host = settingSchema.shape.METERBOOK_HTTP_LISTEN.safeParse(given["METERBOOK_HTTP_LISTEN"]).data?.host;
  if (host === undefined || isLoopback(host) || given["METERBOOK_API_KEYS_FILE"] !== undefined) return [];
  const expected = "a loopback address such as 127.0.0.1:8080, or keys in METERBOOK_API_KEYS_FILE";
  return [{ name: "METERBOOK_HTTP_LISTEN", value: given["METERBOOK_HTTP_LISTEN"], expected }];
}

const needed: Readonly<Record<ServiceName, readonly (typeof settingNames)[number][]>> = {
  standalone: [],
  ingest: ["METERBOOK_KAFKA_BROKERS"],
  aggregator: ["METERBOOK_KAFKA_BROKERS", "METERBOOK_INFLUX_URL"],
  api: ["METERBOOK_KAFKA_BROKERS", "METERBOOK_INFLUX_URL"],
  topics: ["METERBOOK_KAFKA_BROKERS"],
  verify: ["METERBOOK_KAFKA_BROKERS"],
};

function missing(given: Environment, service: ServiceName): SettingProblem[] {
  return needed[service]
    .filter((name) => given[name] === undefined)
    .map((name) => ({ name, value: undefined, expected: `a value (${service} works on servers)` }));
}

/** One of each beside the others on one machine, with the same `.env`, is the usual beginning. */
const httpPorts: Readonly<Record<ServiceName, number>> = {
  standalone: 8080,
  api: 8080,
  ingest: 8081,
  aggregator: 8082,
  // They listen nowhere.
  topics: 8080,
  verify: 8080,
};

/** On servers a process has some of the partitions, and whoever runs it knows how many meters there are. */
function metersMaxFrom({ METERBOOK_METERS_MAX: asked }: ReadSettings, service: ServiceName): number {
  if (service === "standalone") return asked === "auto" ? metersThatFit(machineBytes()) : asked;
  return asked === "auto" ? metersPerPartitionMax : Math.min(asked, metersPerPartitionMax);
}

function settingsFrom(read: ReadSettings, service: ServiceName): Settings {
  return {
    dataDir: read.METERBOOK_DATA_DIR,
    shards: read.METERBOOK_SHARDS,
    mqttListen: read.METERBOOK_MQTT_LISTEN,
    mqttBroker: mqttBrokerFrom(read),
    mqttTls: mqttTlsFrom(read),
    mqttIdentitiesFile: read.METERBOOK_MQTT_IDENTITIES_FILE,
    httpListen: read.METERBOOK_HTTP_LISTEN ?? { host: "127.0.0.1", port: httpPorts[service] },
    timeZone: read.METERBOOK_TIME_ZONE,
    settleSeconds: read.METERBOOK_SETTLE_SECONDS,
    admission: {
      unknownMeters: read.METERBOOK_UNKNOWN_METERS,
      channelsPerMeterMax: read.METERBOOK_CHANNELS_PER_METER_MAX,
      metersMax: metersMaxFrom(read, service),
    },
    messages: {
      bytesMax: read.METERBOOK_PACKET_BYTES_MAX,
      registersMax: read.METERBOOK_CHANNELS_PER_METER_MAX,
      rules: doorFrom(read),
    },
    rules: ruleBookFrom(read),
    gaps: gapsFrom(read),
    apiKeysFile: read.METERBOOK_API_KEYS_FILE,
    kafka: kafkaFrom(read),
    influx: influxFrom(read),
    packetBytesMax: read.METERBOOK_PACKET_BYTES_MAX,
    connectionsMax: read.METERBOOK_CONNECTIONS_MAX,
    certificateNoticeDays: read.METERBOOK_CERTIFICATE_NOTICE_DAYS,
    logRetentionDays: read.METERBOOK_LOG_RETENTION_DAYS,
    clockToleranceSeconds: read.METERBOOK_CLOCK_TOLERANCE_SECONDS,
    clockLeapSecondsMax: read.METERBOOK_CLOCK_LEAP_SECONDS_MAX,
    rejected: {
      bytesMax: read.METERBOOK_REJECTED_BYTES_MAX,
      bytesPerSenderMax: read.METERBOOK_REJECTED_BYTES_PER_SENDER_MAX,
      retentionDays: read.METERBOOK_REJECTED_RETENTION_DAYS,
    },
    auditRetentionDays: read.METERBOOK_AUDIT_RETENTION_DAYS,
    logLevel: read.METERBOOK_LOG_LEVEL,
    logFormat: read.METERBOOK_LOG_FORMAT,
    crashAt: read.METERBOOK_CRASH_AT,
  };
}

function influxFrom(read: ReadSettings): InfluxSettings | undefined {
  const servers = read.METERBOOK_INFLUX_URL;
  const token = read.METERBOOK_INFLUX_TOKEN;
  const org = read.METERBOOK_INFLUX_ORG;
  const bucket = read.METERBOOK_INFLUX_BUCKET;
  if (servers === undefined || token === undefined || org === undefined || bucket === undefined) return undefined;
  const tokens = tokensFor(servers.length, token);
  const wanted = read.METERBOOK_INFLUX_COMPRESSION;
  return {
    servers: servers.map((server, index) => ({
      ...server,
      token: tokens[index] ?? token,
      compression: wanted === "auto" ? compressionTo(server.url) : wanted,
    })),
    org,
    bucket,
  };
}

/** On this machine there is no wire to spare, and gzip is a quarter of what an aggregator does (docs/figures.md). */
function compressionTo(url: string): "gzip" | "none" {
  return isLoopback(new URL(url).hostname.replace(/^\[|\]$/g, "")) ? "none" : "gzip";
}

/** One token for all servers, or one for each. */
function tokensFor(servers: number, token: string): readonly string[] {
  const tokens = token.split(",").map((one) => one.trim());
  return servers > 1 && tokens.length > 1 ? tokens : Array.from({ length: servers }, () => token);
}

function tokensThatMissServers(given: Environment): SettingProblem[] {
  const servers = settingSchema.shape.METERBOOK_INFLUX_URL.safeParse(given["METERBOOK_INFLUX_URL"]).data?.length ?? 0;
  const tokens = tokensFor(servers, given["METERBOOK_INFLUX_TOKEN"] ?? "").length;
  if (servers === 0 || tokens === servers) return [];
  const expected = `one token, or one for each of the ${servers} servers of METERBOOK_INFLUX_URL (not ${tokens})`;
  return [{ name: "METERBOOK_INFLUX_TOKEN", value: undefined, expected }];
}

function oncePerName(problems: readonly SettingProblem[]): SettingProblem[] {
  const told = new Set<string>();
  return problems.filter(({ name }) => told.size < told.add(name).size);
}

/** Of a URL. The token of InfluxDB is never shown, because every text is a right token. */
function withoutPassword(value: string | undefined): string | undefined {
  return value?.replace(/\/\/[^@/]*@/g, "//***@");
}

function readEnvFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    process.stderr.write(`Meterbook cannot start: ${path} cannot be read (${(error as Error).message})\n`);
    process.exit(2);
  }
}
