// Goal: a cluster that asks for TLS, a certificate of ours and a password is reached with the settings, and each that
// is wrong is named. Method: a real Kafka with a SASL_SSL listener, certificates made here.
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KafkaConnectionSettings, kafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import { openKafkaReadingsLog } from "@meterbook/adapters/kafka/readings-log/kafka-readings-log";
import { startOnKafka } from "@meterbook/adapters/kafka/topics/kafka-start";
import { generate } from "selfsigned";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { runCommand } from "../support/processes/command-process.ts";
import { type KafkaServer, kafkaIsThere, startKafka } from "../support/servers/kafka-server.ts";
import { freePorts } from "../support/servers/server-process.ts";
import { silentKafkaEvents } from "../support/servers/silent-kafka-events.ts";
import { aReport } from "./readings-log.contract.ts";

const wishes = { partitions: 1, readingsRetentionDays: 7, createTopics: "on" } as const;
const scram = { mechanism: "scram-sha-512", username: "meterbook", password: "right" } as const;
const certificateOptions = { algorithm: "sha256", keySize: 2048 } as const;

describe.skipIf(!kafkaIsThere(3))("Kafka with TLS and SASL", { timeout: 60_000 }, () => {
  let kafka: KafkaServer;
  let directory: string;
  let broker: string;
  const file = (name: string) => join(directory, name);

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "meterbook-kafka-security-"));
    const authority = await generate([{ name: "commonName", value: "authority" }], {
      ...certificateOptions,
      extensions: [
        { name: "basicConstraints", cA: true, critical: true },
        { name: "keyUsage", keyCertSign: true },
      ],
    });
    const ca = { key: authority.private, cert: authority.cert };
    const [server, ours] = await Promise.all(
      ["broker", "meterbook"].map((value) =>
        generate([{ name: "commonName", value }], {
          ...certificateOptions,
          ca,
          extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }],
        }),
      ),
    );
    const stranger = await generate([{ name: "commonName", value: "stranger" }], certificateOptions);
    await Promise.all([
      writeFile(file("ca.pem"), ca.cert),
      writeFile(file("stranger.pem"), stranger.cert),
      writeFile(file("broker.pem"), `${server?.private}${server?.cert}`),
      writeFile(file("cert.pem"), ours?.cert ?? ""),
      writeFile(file("key.pem"), ours?.private ?? ""),
    ]);
    const [port] = await freePorts(1);
    broker = `127.0.0.1:${port}`;
    kafka = await startKafka({
      as: "native",
      format: ["--add-scram", "SCRAM-SHA-512=[name=meterbook,password=right]"],
      properties: (node) => `
listeners=PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort},SECURE://${broker}
advertised.listeners=PLAINTEXT://127.0.0.1:${node.port},SECURE://${broker}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL
listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_meterbook="right";
listener.name.secure.ssl.client.auth=required
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location=${file("broker.pem")}
listener.name.secure.ssl.truststore.type=PEM
listener.name.secure.ssl.truststore.location=${file("ca.pem")}
`,
    });
  }, 90_000);
  afterAll(async () => {
    await kafka.dispose();
    await rm(directory, { recursive: true });
  });

  function connectionWith(over: Partial<KafkaConnectionSettings> = {}) {
    const tls = { caFile: file("ca.pem"), certFile: file("cert.pem"), keyFile: file("key.pem") };
    const settings = {
      brokers: [broker],
      topicPrefix: "secure.",
      compression: "gzip",
      tls,
      sasl: scram,
      ...over,
    } as const;
    return kafkaConnection(settings, { clientId: "test", log: () => undefined });
  }

  test.for(["scram-sha-512", "plain"] as const)(
    "with the right files and %s records are written and counted",
    async (mechanism) => {
      const connection = connectionWith({ sasl: { ...scram, mechanism } });
      expect(await startOnKafka(connection, wishes)).toMatchObject({ partitions: 1, problems: [] });
      const log = openKafkaReadingsLog({ connection, partitions: 1, events: silentKafkaEvents });
      onTestFinished(() => log.close());
      const before = (await log.ends()).get(0) ?? 0;
      await log.append(aReport("m-1", "1"));
      expect((await log.ends()).get(0)).toBe(before + 1);
    },
  );

  test("H15: files that are renewed count for the next connection, without a restart", async () => {
    const copies = { caFile: file("ca-copy.pem"), certFile: file("cert-copy.pem"), keyFile: file("key-copy.pem") };
    await copyFile(file("stranger.pem"), copies.caFile);
    await copyFile(file("cert.pem"), copies.certFile);
    await copyFile(file("key.pem"), copies.keyFile);
    const connection = connectionWith({ tls: copies });
    expect((await startOnKafka(connection, wishes)).problems).toEqual([expect.stringMatching(/METERBOOK_KAFKA_TLS/)]);
    await copyFile(file("ca.pem"), copies.caFile);
    await expect.poll(async () => (await startOnKafka(connection, wishes)).problems, { timeout: 10_000 }).toEqual([]);
  });

  test("`npm run verify -- --kafka` goes the same way as the services", async () => {
    await startOnKafka(connectionWith(), wishes);
    const settings = {
      METERBOOK_KAFKA_BROKERS: broker,
      METERBOOK_KAFKA_TOPIC_PREFIX: "secure.",
      METERBOOK_KAFKA_TLS: "on",
      METERBOOK_KAFKA_TLS_CA_FILE: file("ca.pem"),
      METERBOOK_KAFKA_TLS_CERT_FILE: file("cert.pem"),
      METERBOOK_KAFKA_TLS_KEY_FILE: file("key.pem"),
      METERBOOK_KAFKA_SASL: "scram-sha-512",
      METERBOOK_KAFKA_USERNAME: "meterbook",
    };
    const right = await runCommand("verify", ["--kafka"], { ...settings, METERBOOK_KAFKA_PASSWORD: "right" });
    expect(right).toMatchObject({ code: 0, errors: "", output: expect.stringContaining("all is well") });
    const wrong = await runCommand("verify", ["--kafka"], { ...settings, METERBOOK_KAFKA_PASSWORD: "wrong" });
    expect(wrong).toMatchObject({ code: 1, errors: expect.stringContaining("METERBOOK_KAFKA_PASSWORD: ") });
  });

  test.for([
    [
      "a wrong password",
      () => ({ sasl: { ...scram, password: "wrong" } }),
      /METERBOOK_KAFKA_USERNAME or METERBOOK_KAFKA_PASSWORD/,
    ],
    [
      "another authority",
      () => ({ tls: { caFile: file("stranger.pem"), certFile: file("cert.pem"), keyFile: file("key.pem") } }),
      /METERBOOK_KAFKA_TLS/,
    ],
    ["no certificate of ours", () => ({ tls: { caFile: file("ca.pem") } }), /METERBOOK_KAFKA_TLS/],
    ["no TLS", () => ({ tls: undefined }), /METERBOOK_KAFKA_BROKERS/],
  ] as const)("%s is named with its setting", async ([, over, expected]) => {
    const { problems } = await startOnKafka(connectionWith(over()), wishes);
    expect(problems).toEqual([expect.stringMatching(expected)]);
  });
});
