import { homedir } from "node:os";
import { join } from "node:path";

/** Where `npm run servers -- start` keeps data and listens, always on 127.0.0.1. */
export interface ServersSettings {
  readonly dataDir: string;
  readonly kafkaPort: number;
  readonly kafkaControllerPort: number;
  readonly influxPort: number;
  readonly mqttPort: number;
}

/** Throws with every problem at once. */
export function serversSettings(): ServersSettings {
  const problems: string[] = [];
  function port(name: string, otherwise: number): number {
    const value = process.env[name] || String(otherwise);
    if (/^[1-9]\d{0,4}$/.test(value) && Number(value) <= 65_535) return Number(value);
    problems.push(`${name} is "${value}"; it must be a port, 1 to 65535`);
    return otherwise;
  }
  const { METERBOOK_SERVERS_DATA: data, XDG_STATE_HOME: xdg } = process.env;
  const kafkaPort = port("METERBOOK_SERVERS_KAFKA_PORT", 9092);
  const settings = {
    dataDir: data || join(xdg || join(homedir(), ".local", "state"), "meterbook", "servers"),
    kafkaPort,
    kafkaControllerPort: port("METERBOOK_SERVERS_KAFKA_CONTROLLER_PORT", kafkaPort + 1),
    influxPort: port("METERBOOK_SERVERS_INFLUX_PORT", 8086),
    // 1883 is where our own endpoint listens.
    mqttPort: port("METERBOOK_SERVERS_MQTT_PORT", 1884),
  };
  const { kafkaControllerPort, influxPort, mqttPort } = settings;
  if (new Set([kafkaPort, kafkaControllerPort, influxPort, mqttPort]).size < 4)
    problems.push("two METERBOOK_SERVERS_*_PORT are the same");
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return settings;
}
