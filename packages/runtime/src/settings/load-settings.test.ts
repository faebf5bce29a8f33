import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { usualRules } from "@meterbook/core/domain/valuation/rule-book";
import { expect, onTestFinished, test } from "vitest";
import { doorRules } from "../../../intake/src/door-rules.ts";
import { runProcess } from "../fixtures/run-process.ts";
import { describeProblems, loadSettings } from "./load-settings.ts";
import { machineBytes, metersThatFit } from "./memory-share.ts";

const influx = {
  METERBOOK_INFLUX_URL: "http://influx:8086",
  METERBOOK_INFLUX_TOKEN: "secret",
  METERBOOK_INFLUX_ORG: "grid",
  METERBOOK_INFLUX_BUCKET: "meters",
};

function settingsOf(environment: Record<string, string>, envFile = "") {
  const result = loadSettings(environment, { envFile });
  if (!result.ok) throw new Error(describeProblems(result.problems));
  return result.settings;
}

function problemsOf(environment: Record<string, string>) {
  const result = loadSettings(environment);
  return result.ok ? [] : result.problems;
}

test("an empty environment gives the documented defaults", () => {
  expect(settingsOf({ PATH: "/bin" })).toEqual({
    dataDir: "./data",
    mqttListen: { host: "127.0.0.1", port: 1883 },
    httpListen: { host: "127.0.0.1", port: 8080 },
    timeZone: "Europe/Kyiv",
    settleSeconds: 30,
    admission: { unknownMeters: "accept", channelsPerMeterMax: 64, metersMax: metersThatFit(machineBytes()) },
    messages: { bytesMax: 262_144, registersMax: 64, rules: doorRules },
    rules: usualRules,
    gaps: {
      ...{ lookMs: 60_000, silentSeconds: 93_600, asksPerSecond: 20 },
      ...{ waitMs: 600_000, backOffMs: 900_000, timesMax: 8 },
    },
    packetBytesMax: 262_144,
    connectionsMax: 25_000,
    certificateNoticeDays: 14,
    logRetentionDays: 7,
    clockToleranceSeconds: 60,
    clockLeapSecondsMax: 86_400,
    rejected: { bytesMax: 4_294_967_296, bytesPerSenderMax: 268_435_456, retentionDays: 400 },
    auditRetentionDays: 400,
    logLevel: "info",
    logFormat: "auto",
  });
});

test("a service on servers names all that it misses, and may show its health to others without keys", () => {
  const elsewhere = { METERBOOK_HTTP_LISTEN: "0.0.0.0:9090" };
  const missing = (service: "ingest" | "aggregator" | "api", environment = {}) => {
    const result = loadSettings({ ...elsewhere, ...environment }, { service });
    return result.ok ? [] : result.problems.map(({ name }) => name);
  };
  expect(missing("ingest")).toEqual(["METERBOOK_KAFKA_BROKERS"]);
  expect(missing("aggregator")).toEqual(["METERBOOK_KAFKA_BROKERS", "METERBOOK_INFLUX_URL"]);
  expect(missing("api")).toEqual(["METERBOOK_HTTP_LISTEN", "METERBOOK_KAFKA_BROKERS", "METERBOOK_INFLUX_URL"]);
  expect(missing("aggregator", { ...influx, METERBOOK_KAFKA_BROKERS: "kafka:9092" })).toEqual([]);
});

test("D12: the services of one machine, with the same .env, listen on ports of their own", () => {
  const envFile = [
    ...Object.entries(influx).map(([name, value]) => `${name}=${value}`),
    "METERBOOK_KAFKA_BROKERS=kafka:9092",
  ].join("\n");
  const listens = (["standalone", "api", "ingest", "aggregator"] as const).map((service) => {
    const result = loadSettings({}, { envFile, service });
    return result.ok ? result.settings.httpListen : describeProblems(result.problems);
  });
  expect(listens).toEqual([8080, 8080, 8081, 8082].map((port) => ({ host: "127.0.0.1", port })));
  const told = loadSettings({ METERBOOK_HTTP_LISTEN: "127.0.0.1:9090" }, { envFile, service: "ingest" });
  expect(told.ok && told.settings.httpListen.port).toBe(9090);
});

test("every setting is read in its form", () => {
  const settings = settingsOf({
    ...influx,
    METERBOOK_DATA_DIR: "/srv/meterbook",
    METERBOOK_MQTT_LISTEN: "0.0.0.0:0",
    METERBOOK_MQTT_URL: "mqtts://broker.example:8883",
    METERBOOK_HTTP_LISTEN: "[::]:80",
    METERBOOK_API_KEYS_FILE: "keys.json",
    METERBOOK_TIME_ZONE: "Europe/Berlin",
    METERBOOK_SETTLE_SECONDS: "0",
    METERBOOK_KAFKA_BROKERS: "kafka-1:9092, kafka-2:9092",
    METERBOOK_KAFKA_PASS_OVER: "m.readings.v1/3/17-53, m.snapshots.v1/0/5-5",
    METERBOOK_CRASH_AT: "log-written:3",
  });
  expect(settings).toMatchObject({
    dataDir: "/srv/meterbook",
    mqttListen: { host: "0.0.0.0", port: 0 },
    mqttBroker: { url: "mqtts://broker.example:8883", clientId: "meterbook-ingest", protocol: "5" },
    httpListen: { host: "::", port: 80 },
    apiKeysFile: "keys.json",
    timeZone: "Europe/Berlin",
    settleSeconds: 0,
    kafka: {
      brokers: ["kafka-1:9092", "kafka-2:9092"],
      topicPrefix: "meterbook.",
      partitions: 16,
      createTopics: "off",
      passOver: [
        { topic: "m.readings.v1", partition: 3, from: 17, to: 53 },
        { topic: "m.snapshots.v1", partition: 0, from: 5, to: 5 },
      ],
    },
    influx: {
      servers: [{ url: "http://influx:8086", first: 0, last: 255, token: "secret", compression: "gzip" }],
      org: "grid",
      bucket: "meters",
    },
    crashAt: "log-written:3",
  });
});

test.for([
  ["METERBOOK_MQTT_LISTEN", "1883", /host:port/],
  ["METERBOOK_MQTT_LISTEN", "localhost:65536", /host:port/],
  ["METERBOOK_MQTT_LISTEN", "::1:1883", /host:port/],
  ["METERBOOK_MQTT_URL", "http://broker", /mqtt:/],
  ["METERBOOK_TIME_ZONE", "Europe/Kyjiw", /IANA/],
  ["METERBOOK_SETTLE_SECONDS", "86401", /whole number from 0 to 86400/],
  ["METERBOOK_SETTLE_SECONDS", "1.5", /whole number from 0 to 86400/],
  ["METERBOOK_SETTLE_SECONDS", "-1", /whole number from 0 to 86400/],
  ["METERBOOK_KAFKA_BROKERS", "kafka-1:9092,kafka-2", /host:port,host:port/],
  ["METERBOOK_KAFKA_BROKERS", "kafka-1:0", /host:port,host:port/],
  ["METERBOOK_KAFKA_PARTITIONS", "12", /a power of two/],
  ["METERBOOK_KAFKA_PASS_OVER", "readings.v1/3/17", /topic\/partition\/from-to/],
  ["METERBOOK_KAFKA_PASS_OVER", "readings.v1/3/17-16", /topic\/partition\/from-to/],
  ["METERBOOK_KAFKA_PASS_OVER", "readings.v1/3/0-100000", /at most 100 000/],
  ["METERBOOK_KAFKA_PARTITIONS", "0x10", /a power of two/],
  ["METERBOOK_KAFKA_REPLICATION", "0", /1 to 9/],
  ["METERBOOK_KAFKA_TOPIC_PREFIX", "a b", /letters/],
  ["METERBOOK_PACKET_BYTES_MAX", "100", /1024 to 16777216/],
  ["METERBOOK_LOG_LEVEL", "loud", /debug, info, warn or error/],
  ["METERBOOK_LOG_FORMAT", "xml", /auto, text or json/],
  ["METERBOOK_CRASH_AT", "log written", /name:n/],
] as const)("%s=%s is refused by name, value and expectation", ([name, value, expected]) => {
  expect(problemsOf({ [name]: value })).toEqual([{ name, value, expected: expect.stringMatching(expected) }]);
});

test("all problems come at once, each with its name", () => {
  const problems = problemsOf({
    METERBOOK_MQTT_LISTEN: "x",
    METERBOOK_SETTLE_SECONDS: "soon",
    METERBOOK_HTTP_LISTEN: "0.0.0.0:80",
    METERBOOK_INFLUX_URL: "http://influx:8086",
    METERBOOK_HTTP_LISTN: "127.0.0.1:1",
  });
  expect(problems.map(({ name }) => name)).toEqual([
    "METERBOOK_MQTT_LISTEN",
    "METERBOOK_SETTLE_SECONDS",
    "METERBOOK_HTTP_LISTEN",
    "METERBOOK_INFLUX_TOKEN",
    "METERBOOK_INFLUX_ORG",
    "METERBOOK_INFLUX_BUCKET",
    "METERBOOK_HTTP_LISTN",
  ]);
});

test.for(["127.0.0.1:0", "127.1.2.3:80", "localhost:80", "[::1]:80"])(
  "without keys the API may listen on %s",
  (address) => {
    expect(settingsOf({ METERBOOK_HTTP_LISTEN: address }).httpListen.port).toBeLessThanOrEqual(80);
  },
);

test.for(["0.0.0.0:80", "[::]:80", "meterbook.example:80", "10.0.0.1:80"])(
  "without keys the API refuses %s",
  (address) => {
    expect(problemsOf({ METERBOOK_HTTP_LISTEN: address })).toMatchObject([
      { name: "METERBOOK_HTTP_LISTEN", value: address },
    ]);
    expect(problemsOf({ METERBOOK_HTTP_LISTEN: address, METERBOOK_API_KEYS_FILE: "keys.json" })).toEqual([]);
  },
);

test("several InfluxDB servers share a token or have one each", () => {
  const several = { ...influx, METERBOOK_INFLUX_URL: "http://a=00-7f,http://b=80-ff" };
  const tokens = (given: object) => settingsOf({ ...several, ...given }).influx?.servers.map(({ token }) => token);
  expect(tokens({})).toEqual(["secret", "secret"]);
  expect(tokens({ METERBOOK_INFLUX_TOKEN: "one, two" })).toEqual(["one", "two"]);
  const problems = problemsOf({ ...several, METERBOOK_INFLUX_TOKEN: "one,two,three" });
  expect(problems).toMatchObject([{ name: "METERBOOK_INFLUX_TOKEN", value: undefined }]);
});

test.for([
  ["http://127.0.0.1:8086", "auto", "none"],
  ["http://[::1]:8086", "auto", "none"],
  ["http://influx:8086", "auto", "gzip"],
  ["http://127.0.0.1:8086", "gzip", "gzip"],
  ["http://influx:8086", "none", "none"],
] as const)("writes to %s under compression %s: %s", ([url, wanted, expected]) => {
  const given = { ...influx, METERBOOK_INFLUX_URL: url, METERBOOK_INFLUX_COMPRESSION: wanted };
  expect(settingsOf(given).influx?.servers[0]?.compression).toBe(expected);
});

test("InfluxDB needs all four settings or none", () => {
  expect(settingsOf(influx).influx?.bucket).toBe("meters");
  const { METERBOOK_INFLUX_ORG: _, ...partial } = influx;
  expect(problemsOf(partial)).toMatchObject([{ name: "METERBOOK_INFLUX_ORG", value: undefined }]);
});

const broker = { METERBOOK_MQTT_URL: "mqtt://broker" };

test.for([
  [{ METERBOOK_KAFKA_SASL: "plain" }, ["METERBOOK_KAFKA_USERNAME", "METERBOOK_KAFKA_PASSWORD"]],
  [{ METERBOOK_KAFKA_TLS_CA_FILE: "ca.pem" }, ["METERBOOK_KAFKA_TLS"]],
  [{ METERBOOK_KAFKA_TLS: "on", METERBOOK_KAFKA_TLS_CERT_FILE: "c" }, ["METERBOOK_KAFKA_TLS_KEY_FILE"]],
  [{ METERBOOK_MQTT_TLS_CERT_FILE: "c" }, ["METERBOOK_MQTT_TLS_KEY_FILE"]],
  [{ METERBOOK_MQTT_TLS_CA_FILE: "ca" }, ["METERBOOK_MQTT_TLS_CERT_FILE", "METERBOOK_MQTT_TLS_KEY_FILE"]],
  [{ ...broker, METERBOOK_MQTT_TLS_CA_FILE: "ca" }, []],
  [{ ...broker, METERBOOK_MQTT_USERNAME: "me" }, ["METERBOOK_MQTT_PASSWORD"]],
  [{ METERBOOK_MQTT_USERNAME: "me", METERBOOK_MQTT_PASSWORD: "pw" }, ["METERBOOK_MQTT_URL"]],
] as const)("%j needs %j beside it", ([environment, missing]) => {
  expect(problemsOf({ ...environment } as Record<string, string>).map(({ name }) => name)).toEqual(missing);
});

test.for([
  ["METERBOOK_MQTT_LISTN", "METERBOOK_MQTT_LISTEN"],
  ["METERBOOK_HTTP_PORT", "METERBOOK_HTTP_LISTEN"],
  ["METERBOOK_TIMEZONE", "METERBOOK_TIME_ZONE"],
] as const)("a misspelt %s is a problem that suggests %s", ([name, nearest]) => {
  expect(problemsOf({ [name]: "x" })).toMatchObject([
    { name, value: undefined, expected: expect.stringContaining(`${nearest}?`) },
  ]);
});

test("a name far from all others gets no suggestion", () => {
  expect(problemsOf({ METERBOOK_VERBOSE: "x" })[0]?.expected).toBe("a name of a setting");
});

test("names that a container platform or a test run sets are left alone", () => {
  const names = {
    METERBOOK_SERVICE_HOST: "10.0.0.7",
    METERBOOK_API_SERVICE_PORT_HTTP: "8080",
    METERBOOK_API_PORT: "tcp://10.0.0.7:8080",
    METERBOOK_API_PORT_8080_TCP_ADDR: "10.0.0.7",
    METERBOOK_TEST_DATA: "x",
  };
  expect(problemsOf(names)).toEqual([]);
  expect(problemsOf({ METERBOOK_API_PORT: "8080" })).toHaveLength(1);
});

test("the environment wins over the .env file, and an empty value counts as none", () => {
  const envFile = 'METERBOOK_SETTLE_SECONDS=5\nMETERBOOK_DATA_DIR="/from/file"\n# a comment\nOTHER=1\n';
  expect(settingsOf({ METERBOOK_SETTLE_SECONDS: "7", METERBOOK_MQTT_URL: "" }, envFile)).toMatchObject({
    settleSeconds: 7,
    dataDir: "/from/file",
    mqttBroker: undefined,
  });
});

test("a secret and a password in a URL are never shown", () => {
  const problems = problemsOf({
    METERBOOK_INFLUX_TOKEN: "hush",
    METERBOOK_INFLUX_TOKN: "hush",
    METERBOOK_MQTT_URL: "http://me:hush@broker",
  });
  expect(problems.length).toBeGreaterThan(1);
  expect(describeProblems(problems)).not.toContain("hush");
});

test("a process with wrong settings says all of them and exits 2", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "meterbook-settings-"));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  writeFileSync(join(cwd, ".env"), "METERBOOK_SETTLE_SECONDS=soon\nMETERBOOK_LOG_LEVEL=debug\n");
  const wrong = await runProcess("print-settings.ts", [], { cwd, env: { METERBOOK_TIME_ZONE: "Mars" } }).ended;
  expect(wrong.code).toBe(2);
  expect(wrong.err).toContain("METERBOOK_SETTLE_SECONDS=soon: expected a whole number from 0 to 86400");
  expect(wrong.err).toContain("METERBOOK_TIME_ZONE=Mars: expected an IANA time zone");

  const right = await runProcess("print-settings.ts", [], { cwd, env: { METERBOOK_SETTLE_SECONDS: "1" } }).ended;
  expect(JSON.parse(right.out[0] ?? "")).toMatchObject({ settleSeconds: 1, logLevel: "debug" });
});
