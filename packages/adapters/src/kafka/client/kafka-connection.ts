import type { ConnectionOptions } from "node:tls";
import type { KafkaConfig, LogEntry } from "kafkajs";
import { Kafka, logLevel } from "kafkajs";
import type { CertificateWatch } from "../../certificates/certificate-watch.ts";
import { watchClientTls } from "../../certificates/client-tls.ts";
import { calmRequestQueue } from "./calm-request-queue.ts";
import type { PassedOver } from "./fetch-detours.ts";
import { readPastUnreadableBatches } from "./fetch-protocol.ts";

/** How to reach a Kafka cluster. */
export interface KafkaConnectionSettings {
  /** `host:port` of some of its brokers. */
  readonly brokers: readonly string[];
  readonly tls?: KafkaTls | undefined;
  readonly sasl?: KafkaSasl | undefined;
  /** In front of every topic, group and transactional id. */
  readonly topicPrefix: string;
  readonly compression: "none" | "gzip";
  /** Offsets that the brokers cannot give and nobody waits for: each is then a record that cannot be read. */
  readonly passOver?: readonly PassedOver[];
}

export interface KafkaTls {
  /** PEM files; the system's authorities where `caFile` is absent. */
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

export interface KafkaSasl {
  readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
  readonly username: string;
  readonly password: string;
}

/** What the client says of itself; the levels of our own log. */
export type KafkaLog = (
  level: "debug" | "info" | "warn" | "error",
  message: string,
  fields: Readonly<Record<string, unknown>>,
) => void;

export interface KafkaConnection {
  readonly client: Kafka;
  readonly settings: KafkaConnectionSettings;
}

export interface KafkaClientOptions {
  readonly clientId: string;
  readonly log: KafkaLog;
  /** Told of the certificates that are in use; nobody where absent. */
  readonly certificates?: CertificateWatch;
}

/**
 * The client of a cluster; nothing is connected yet. Every request has a time limit, so that a broker that stands still
 * is noticed.
 *
 * @throws where a file of `tls` cannot be read.
 */
export function kafkaConnection(
  settings: KafkaConnectionSettings,
  { clientId, log, certificates }: KafkaClientOptions,
): KafkaConnection {
  calmRequestQueue();
  readPastUnreadableBatches(settings.passOver ?? []);
  const config: KafkaConfig = {
    clientId,
    brokers: [...settings.brokers],
    connectionTimeout: 3000,
    authenticationTimeout: 5000,
    requestTimeout: 10_000,
    enforceRequestTimeout: true,
    retry: { initialRetryTime: 100, maxRetryTime: 2000, retries: 5 },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => passOn(entry, log),
    ...(settings.tls === undefined ? {} : { ssl: tlsOptions(settings.tls, certificates) }),
    ...(settings.sasl === undefined ? {} : { sasl: { ...settings.sasl } as NonNullable<KafkaConfig["sasl"]> }),
  };
  return { client: new Kafka(config), settings };
}

/** The client copies them at each connection, so what was renewed counts for the next one. */
function tlsOptions(files: KafkaTls, certificates: CertificateWatch | undefined): ConnectionOptions {
  const { pem } = watchClientTls(files, { settings: "METERBOOK_KAFKA_TLS_", certificates });
  return {
    minVersion: "TLSv1.2",
    get ca() {
      return pem().ca;
    },
    get cert() {
      return pem().cert;
    },
    get key() {
      return pem().key;
    },
  };
}

/** Lines that every reconnection brings by the dozen are for debugging; what they come to is told by our own events. */
function passOn({ level, log: { message, timestamp: _, ...fields }, namespace }: LogEntry, log: KafkaLog): void {
  const name = `kafkajs ${namespace}: ${message}`;
  if (level === logLevel.ERROR || level === logLevel.WARN) log("debug", name, fields);
}
