import type { ReadingsLogEvents } from "@meterbook/adapters/kafka/kafka-readings-log";

/** For tests that do not look at what an operator is told. */
export const silentKafkaEvents: ReadingsLogEvents = {
  writeFailed: () => undefined,
  writeRecovered: () => undefined,
  handleFailed: () => undefined,
  gap: () => undefined,
  assigned: () => undefined,
  consumerFailed: () => undefined,
  commitFailed: () => undefined,
  followFailed: () => undefined,
};
