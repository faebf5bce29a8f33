import type { PassedOverSetting } from "./passed-over.ts";
import type { ReadSettings } from "./setting-schema.ts";

export interface KafkaSettings {
  readonly brokers: readonly string[];
  readonly topicPrefix: string;
  readonly createTopics: "on" | "off";
  /** Of the readings topic when it is made. */
  readonly partitions: number;
  readonly replication: number | undefined;
  /** After so long without a sign of life an aggregator's partitions go to others. */
  readonly sessionSeconds: number;
  /** So often the settings of the topics are looked at. */
  readonly lookSeconds: number;
  /** Offsets that the brokers cannot give and nobody waits for. */
  readonly passOver: readonly PassedOverSetting[];
  readonly compression: "none" | "gzip";
  readonly tls:
    | {
        readonly caFile: string | undefined;
        readonly certFile: string | undefined;
        readonly keyFile: string | undefined;
      }
    | undefined;
  readonly sasl:
    | {
        readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
        readonly username: string;
        readonly password: string;
      }
    | undefined;
}

/** How long the topics keep what they hold, as the adapters ask for it. */
export function topicRetention(settings: {
  readonly logRetentionDays: number;
  readonly rejected: { readonly retentionDays: number };
  readonly auditRetentionDays: number;
}) {
  return {
    readingsRetentionDays: settings.logRetentionDays,
    rejectedRetentionDays: settings.rejected.retentionDays,
    auditRetentionDays: settings.auditRetentionDays,
  };
}

export function kafkaFrom(read: ReadSettings): KafkaSettings | undefined {
  const brokers = read.METERBOOK_KAFKA_BROKERS;
  if (brokers === undefined) return undefined;
  const mechanism = read.METERBOOK_KAFKA_SASL;
  const { METERBOOK_KAFKA_USERNAME: username = "", METERBOOK_KAFKA_PASSWORD: password = "" } = read;
  return {
    brokers,
    topicPrefix: read.METERBOOK_KAFKA_TOPIC_PREFIX,
    createTopics: read.METERBOOK_KAFKA_CREATE_TOPICS,
    partitions: read.METERBOOK_KAFKA_PARTITIONS,
    replication: read.METERBOOK_KAFKA_REPLICATION,
    sessionSeconds: read.METERBOOK_KAFKA_SESSION_SECONDS,
    lookSeconds: read.METERBOOK_KAFKA_LOOK_SECONDS,
    passOver: read.METERBOOK_KAFKA_PASS_OVER ?? [],
    compression: read.METERBOOK_KAFKA_COMPRESSION,
    tls:
      read.METERBOOK_KAFKA_TLS === "off"
        ? undefined
        : {
            caFile: read.METERBOOK_KAFKA_TLS_CA_FILE,
            certFile: read.METERBOOK_KAFKA_TLS_CERT_FILE,
            keyFile: read.METERBOOK_KAFKA_TLS_KEY_FILE,
          },
    sasl: mechanism === undefined ? undefined : { mechanism, username, password },
  };
}
