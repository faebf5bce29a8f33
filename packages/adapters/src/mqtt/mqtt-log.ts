/** Where the MQTT side says what an operator must read; the process's logger fits. */
export interface MqttLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** What stands wrong until it is cleared, for `/readyz`; a line in the log when it begins and when it ends is its part. */
export interface MqttStanding {
  raise(name: string, detail: string): void;
  clear(name: string): void;
  /** Stands until it has not been told for some seconds. */
  recur(name: string, detail: string): void;
}
