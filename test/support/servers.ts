import type { InfluxServer } from "./servers/influx-server.ts";
import { influxIsThere, startInflux } from "./servers/influx-server.ts";
import type { KafkaServer } from "./servers/kafka-server.ts";
import { kafkaIsThere, startKafka } from "./servers/kafka-server.ts";
import type { MosquittoServer } from "./servers/mosquitto-server.ts";
import { mosquittoIsThere, startMosquitto } from "./servers/mosquitto-server.ts";

/**
 * Real servers for tests: each answers undefined, with one printed line that says how to have it, where it cannot be
 * started here. Tests of one file share a server and keep apart by topic prefix or bucket.
 */
export async function kafkaServer(options: { brokers?: 1 | 3 } = {}): Promise<KafkaServer | undefined> {
  return kafkaIsThere() ? await startKafka(options) : leftOut("Kafka", "npm run servers -- install");
}

export async function influxServer(): Promise<InfluxServer | undefined> {
  return influxIsThere() ? await startInflux() : leftOut("InfluxDB", "npm run servers -- install");
}

/** @param extraConfiguration lines of mosquitto.conf after ours. */
export async function mosquittoServer(extraConfiguration = ""): Promise<MosquittoServer | undefined> {
  return mosquittoIsThere()
    ? await startMosquitto(extraConfiguration)
    : leftOut("Mosquitto", "Debian: apt-get install mosquitto");
}

function leftOut(name: string, howToHave: string): undefined {
  console.log(`left out: tests that need ${name}, which is not here (to have it: ${howToHave})`);
  return undefined;
}
