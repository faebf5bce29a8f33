import type { InfluxServer } from "./influx-server.ts";
import { influxIsThere, startInflux } from "./influx-server.ts";
import type { KafkaServer } from "./kafka-server.ts";
import { kafkaIsThere, startKafka } from "./kafka-server.ts";
import type { MosquittoServer } from "./mosquitto-server.ts";
import { mosquittoIsThere, startMosquitto } from "./mosquitto-server.ts";

const ways = [
  { name: "Kafka", isThere: kafkaIsThere, howToHave: "npm run servers -- install, or Docker" },
  { name: "InfluxDB", isThere: influxIsThere, howToHave: "npm run servers -- install, or Docker" },
  { name: "Mosquitto", isThere: mosquittoIsThere, howToHave: "Debian: apt-get install mosquitto, or Docker" },
] as const;

type ServerName = (typeof ways)[number]["name"];

/** What cannot be started here, and how to have it. */
export function missingServers(): { name: ServerName; howToHave: string }[] {
  return ways.filter(({ isThere }) => !isThere());
}

/**
 * Real servers for tests: each answers undefined, with one printed line that says how to have it, where it cannot be
 * started here. Tests of one file share a server and keep apart by topic prefix or bucket.
 */
export async function kafkaServer(options: { brokers?: 1 | 3 } = {}): Promise<KafkaServer | undefined> {
  return kafkaIsThere(options.brokers) ? await startKafka(options) : leftOut("Kafka");
}

export async function influxServer(): Promise<InfluxServer | undefined> {
  return influxIsThere() ? await startInflux() : leftOut("InfluxDB");
}

/** @param extraConfiguration lines of mosquitto.conf after ours. */
export async function mosquittoServer(extraConfiguration = ""): Promise<MosquittoServer | undefined> {
  return mosquittoIsThere() ? await startMosquitto(extraConfiguration) : leftOut("Mosquitto");
}

function leftOut(name: ServerName): undefined {
  const howToHave = ways.find((one) => one.name === name)?.howToHave;
  console.log(`left out: tests that need ${name}, which is not here (to have it: ${howToHave})`);
  return undefined;
}
