import { isTimeZone } from "@meterbook/core/domain/time/local-calendar";
import { z } from "zod";
import { groupRules, type MonthRules, monthRules } from "./group-rules.ts";
import { type InfluxServerSetting, influxServers } from "./influx-servers.ts";
import { metersPerProcessMax } from "./memory-share.ts";
import { type PassedOverSetting, passedOver } from "./passed-over.ts";

/** Where a server listens; port 0 asks for a free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const dayRange = { min: 1, max: 3650 };

function wholeNumber(range: { min: number; max: number }) {
  const expected = `a whole number from ${range.min} to ${range.max}`;
  return z
    .string()
    .regex(/^\d{1,10}$/, expected)
    .transform(Number)
    .refine((value) => value >= range.min && value <= range.max, expected);
}

const autoOrMeters = `auto, or a whole number from 1 to ${metersPerProcessMax}`;
const metersMax = z
  .string()
  .regex(/^(auto|\d{1,9})$/, autoOrMeters)
  .transform((text) => (text === "auto" ? ("auto" as const) : Number(text)))
  .refine((value) => value === "auto" || (value >= 1 && value <= metersPerProcessMax), autoOrMeters);

const listenAddress = z.string().transform((text, context): ListenAddress => {
  const address = splitAddress(text);
  if (address !== undefined) return address;
  context.addIssue("host:port, for example 127.0.0.1:1883 or [::1]:1883 (port 0 = a free one)");
  return z.NEVER;
});

const brokers = z.string().transform((text, context): readonly string[] => {
  const list = text.split(",").map((broker) => broker.trim());
  if (list.every((broker) => (splitAddress(broker)?.port ?? 0) > 0)) return list;
  context.addIssue("host:port,host:port");
  return z.NEVER;
});

const influxUrls = z.string().transform((text, context): readonly InfluxServerSetting[] => {
  const { servers, problems } = influxServers(text);
  if (problems.length === 0) return servers;
  const example = "http://influxdb:8086, or http://a:8086=00-7f,http://b:8086=80-ff";
  context.addIssue(`a URL such as ${example} (${problems.join("; ")})`);
  return z.NEVER;
});

const passOver = z.string().transform((given, context): readonly PassedOverSetting[] => {
  const stretches = passedOver(given);
  if (stretches !== undefined) return stretches;
  context.addIssue("topic/partition/from-to with commas between, at most 100 000 offsets each");
  return z.NEVER;
});

const text = z.string();
const onOff = z.enum(["on", "off"], "on or off").prefault("off");

const rulesOfGroups = z.string().transform((list, context): ReadonlyMap<string, MonthRules> => {
  const { groups, problems } = groupRules(list);
  if (problems.length === 0) return groups;
  context.addIssue(`industry V18_FLOOR_W=50000 V17_CEILING_PERCENT=150; farms … (${problems.join("; ")})`);
  return z.NEVER;
});

const partitionCounts = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const shardsMax = 64;

function powerOfTwo(max: number) {
  const counts = partitionCounts.filter((count) => count <= max);
  return z
    .string()
    .refine((value) => counts.some((count) => String(count) === value), `a power of two: ${counts.join(", ")}`)
    .transform(Number);
}

const topicFilters = z.string().transform((list, context): readonly string[] => {
  const filters = list.split(",").map((filter) => filter.trim());
  if (filters.every((filter) => filter !== "")) return filters;
  context.addIssue("topic filters with commas between, for example meters/+/readings,meters/+/readings/json");
  return z.NEVER;
});

/**
 * Every setting by its name in the environment (docs/operations.md has the same table, and a test compares them).
 * The message of each check is what the setting expects. An empty value counts as no value.
 */
export const settingSchema = z.object({
  METERBOOK_DATA_DIR: text.prefault("./data"),
  METERBOOK_SHARDS: powerOfTwo(shardsMax).optional(),
  METERBOOK_MQTT_LISTEN: listenAddress.prefault("127.0.0.1:1883"),
  METERBOOK_MQTT_URL: z
    .url({ protocol: /^(mqtts?|wss?)$/, error: "a URL such as mqtt://broker:1883 or mqtts://broker:8883" })
    .optional(),
  METERBOOK_MQTT_TOPICS: topicFilters.prefault("meters/+/readings,meters/+/readings/json"),
  METERBOOK_MQTT_CLIENT_ID: text.regex(/^[\w.-]{1,64}$/, "1 to 64 letters, digits, . _ -").prefault("meterbook-ingest"),
  METERBOOK_MQTT_PROTOCOL: z.enum(["5", "3.1.1"], "5 or 3.1.1").prefault("5"),
  METERBOOK_MQTT_USERNAME: text.optional(),
  METERBOOK_MQTT_PASSWORD: text.optional(),
  METERBOOK_MQTT_TLS_CERT_FILE: text.optional(),
  METERBOOK_MQTT_TLS_KEY_FILE: text.optional(),
  METERBOOK_MQTT_TLS_CA_FILE: text.optional(),
  METERBOOK_MQTT_TLS_CRL_FILE: text.optional(),
  METERBOOK_MQTT_IDENTITIES_FILE: text.optional(),
  METERBOOK_HTTP_LISTEN: listenAddress.optional(),
  METERBOOK_TIME_ZONE: text.refine(isTimeZone, "an IANA time zone, for example Europe/Kyiv").prefault("Europe/Kyiv"),
  METERBOOK_SETTLE_SECONDS: wholeNumber({ min: 0, max: 86_400 }).prefault("30"),
  METERBOOK_API_KEYS_FILE: text.optional(),
  METERBOOK_KAFKA_BROKERS: brokers.optional(),
  METERBOOK_KAFKA_TOPIC_PREFIX: text
    .regex(/^[\w.-]{0,100}$/, "at most 100 letters, digits, . _ -")
    .prefault("meterbook."),
  METERBOOK_KAFKA_CREATE_TOPICS: onOff,
  METERBOOK_KAFKA_PARTITIONS: powerOfTwo(256).prefault("16"),
  METERBOOK_KAFKA_REPLICATION: wholeNumber({ min: 1, max: 9 }).optional(),
  METERBOOK_KAFKA_SESSION_SECONDS: wholeNumber({ min: 6, max: 300 }).prefault("30"),
  METERBOOK_KAFKA_LOOK_SECONDS: wholeNumber({ min: 1, max: 86_400 }).prefault("300"),
  METERBOOK_KAFKA_PASS_OVER: passOver.optional(),
  METERBOOK_KAFKA_COMPRESSION: z.enum(["none", "gzip"], "none or gzip").prefault("none"),
  METERBOOK_KAFKA_TLS: onOff,
  METERBOOK_KAFKA_TLS_CA_FILE: text.optional(),
  METERBOOK_KAFKA_TLS_CERT_FILE: text.optional(),
  METERBOOK_KAFKA_TLS_KEY_FILE: text.optional(),
  METERBOOK_KAFKA_SASL: z
    .enum(["plain", "scram-sha-256", "scram-sha-512"], "plain, scram-sha-256 or scram-sha-512")
    .optional(),
  METERBOOK_KAFKA_USERNAME: text.optional(),
  METERBOOK_KAFKA_PASSWORD: text.optional(),
  METERBOOK_INFLUX_URL: influxUrls.optional(),
  METERBOOK_INFLUX_TOKEN: text.optional(),
  METERBOOK_INFLUX_ORG: text.optional(),
  METERBOOK_INFLUX_BUCKET: text.optional(),
  METERBOOK_INFLUX_COMPRESSION: z.enum(["auto", "gzip", "none"], "auto, gzip or none").prefault("auto"),
  METERBOOK_PACKET_BYTES_MAX: wholeNumber({ min: 1024, max: 16_777_216 }).prefault("262144"),
  METERBOOK_CONNECTIONS_MAX: wholeNumber({ min: 1, max: 1_000_000 }).prefault("25000"),
  METERBOOK_UNKNOWN_METERS: z.enum(["accept", "refuse"], "accept or refuse").prefault("accept"),
  METERBOOK_CHANNELS_PER_METER_MAX: wholeNumber({ min: 1, max: 1024 }).prefault("64"),
  METERBOOK_METERS_MAX: metersMax.prefault("auto"),
  METERBOOK_GAP_LOOK_SECONDS: wholeNumber({ min: 1, max: 86_400 }).prefault("60"),
  METERBOOK_GAP_SILENT_SECONDS: wholeNumber({ min: 60, max: 31_536_000 }).prefault("93600"),
  METERBOOK_GAP_WAIT_SECONDS: wholeNumber({ min: 0, max: 604_800 }).prefault("600"),
  METERBOOK_GAP_BACK_OFF_SECONDS: wholeNumber({ min: 1, max: 604_800 }).prefault("900"),
  METERBOOK_GAP_ASKS_MAX: wholeNumber({ min: 1, max: 1000 }).prefault("8"),
  METERBOOK_GAP_ASKS_PER_SECOND: wholeNumber({ min: 0, max: 100_000 }).prefault("20"),
  METERBOOK_V08_DIGITS_MAX: wholeNumber({ min: 1, max: 16 }).prefault("10"),
  METERBOOK_V09_OLD_DAYS: wholeNumber(dayRange).prefault("1098"),
  METERBOOK_V10_AHEAD_SECONDS: wholeNumber({ min: 0, max: 86_400 }).prefault("300"),
  METERBOOK_V25_OFF_SECONDS: wholeNumber({ min: 1, max: 86_400 }).prefault("60"),
  METERBOOK_V25_WRONG_SECONDS: wholeNumber({ min: 1, max: 31_536_000 }).prefault("900"),
  METERBOOK_V13_GLITCH_READINGS_MAX: wholeNumber(monthRules.V13_GLITCH_READINGS_MAX).prefault("3"),
  METERBOOK_V14_WRAPS_FROM_PERCENT: wholeNumber(monthRules.V14_WRAPS_FROM_PERCENT).prefault("90"),
  METERBOOK_V17_CEILING_PERCENT: wholeNumber(monthRules.V17_CEILING_PERCENT).prefault("110"),
  METERBOOK_V17_CONNECTION_W: wholeNumber(monthRules.V17_CONNECTION_W).optional(),
  METERBOOK_V18_SPIKE_PERCENT: wholeNumber(monthRules.V18_SPIKE_PERCENT).prefault("180"),
  METERBOOK_V18_FLOOR_W: wholeNumber(monthRules.V18_FLOOR_W).prefault("2000"),
  METERBOOK_V19_LOW_PERCENT: wholeNumber(monthRules.V19_LOW_PERCENT).prefault("30"),
  METERBOOK_V19_HIGH_PERCENT: wholeNumber(monthRules.V19_HIGH_PERCENT).prefault("300"),
  METERBOOK_V19_DIFFERENCE_WH: wholeNumber(monthRules.V19_DIFFERENCE_WH).prefault("10000"),
  METERBOOK_V20_PER_MILLE: wholeNumber(monthRules.V20_PER_MILLE).prefault("1"),
  METERBOOK_V23_ZERO_USE_DAYS: wholeNumber(monthRules.V23_ZERO_USE_DAYS).prefault("7"),
  METERBOOK_RULES_OF_GROUPS: rulesOfGroups.optional(),
  METERBOOK_CERTIFICATE_NOTICE_DAYS: wholeNumber({ min: 0, max: 3650 }).prefault("14"),
  METERBOOK_LOG_RETENTION_DAYS: wholeNumber(dayRange).prefault("7"),
  METERBOOK_CLOCK_TOLERANCE_SECONDS: wholeNumber({ min: 1, max: 86_400 }).prefault("60"),
  METERBOOK_CLOCK_LEAP_SECONDS_MAX: wholeNumber({ min: 3600, max: 31_536_000 }).prefault("86400"),
  METERBOOK_REJECTED_BYTES_MAX: wholeNumber({ min: 1_048_576, max: 9_999_999_999 }).prefault("4294967296"),
  METERBOOK_REJECTED_BYTES_PER_SENDER_MAX: wholeNumber({ min: 65_536, max: 9_999_999_999 }).prefault("268435456"),
  METERBOOK_REJECTED_RETENTION_DAYS: wholeNumber(dayRange).prefault("400"),
  METERBOOK_AUDIT_RETENTION_DAYS: wholeNumber(dayRange).prefault("400"),
  METERBOOK_LOG_LEVEL: z.enum(["debug", "info", "warn", "error"], "debug, info, warn or error").prefault("info"),
  METERBOOK_LOG_FORMAT: z.enum(["auto", "text", "json"], "auto, text or json").prefault("auto"),
  METERBOOK_CRASH_AT: text.regex(/^[a-z][a-z0-9-]*(:[1-9]\d{0,8})?$/, "name or name:n, the n-th passing").optional(),
});

export type SettingName = keyof typeof settingSchema.shape;
export type ReadSettings = z.output<typeof settingSchema>;

export const settingNames = Object.keys(settingSchema.shape) as readonly SettingName[];

/** `host:port` or `[v6]:port`; undefined when it is neither. */
export function splitAddress(text: string): ListenAddress | undefined {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

/** Whether only this machine can reach the host. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
