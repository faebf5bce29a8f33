import { type InfluxServer, startInflux } from "../support/servers/influx-server.ts";
import { type KafkaServer, startKafka } from "../support/servers/kafka-server.ts";

export interface FreshServers {
  readonly kafka: KafkaServer;
  readonly influx: InfluxServer;
}

/** Native servers without data, for the time of `work`. */
export async function onFreshServers<Answer>(work: (servers: FreshServers) => Promise<Answer>): Promise<Answer> {
  const [kafka, influx] = await Promise.all([startKafka({ as: "native", isMeasured: true }), startInflux("native")]);
  try {
    return await work({ kafka, influx });
  } finally {
    await Promise.all([kafka.dispose(), influx.dispose()]);
  }
}
