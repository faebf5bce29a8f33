/** Where the MQTT side says what an operator must read; the process's logger fits. */
export interface MqttLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/**
 * Faults that stand until they are cleared, for `/readyz`. Each writes one line into the log when it begins and one
 * when it ends.
 */
export interface MqttStanding {
  raise(name: string, detail: string): void;
  clear(name: string): void;
  /** Stands until it has not been told for some seconds. */
  recur(name: string, detail: string): void;
}
