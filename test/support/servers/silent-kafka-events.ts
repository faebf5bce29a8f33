import type { KafkaEvents } from "@meterbook/adapters/kafka/kafka-metrics";

/** For tests that do not look at what an operator is told. */
export const silentKafkaEvents: KafkaEvents = {
  writeFailed: () => undefined,
  writeRecovered: () => undefined,
  handleFailed: () => undefined,
  gap: () => undefined,
  assigned: () => undefined,
  consumerFailed: () => undefined,
  commitFailed: () => undefined,
  followFailed: () => undefined,
  followBehind: () => undefined,
  followCaughtUp: () => undefined,
  followPutBack: () => undefined,
  fenced: () => undefined,
  revisionRepeated: () => undefined,
};
