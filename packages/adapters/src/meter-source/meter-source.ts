import type { Clock } from "@meterbook/core/ports/clock";
import type { MeterEndpoint, TakeMessage } from "@meterbook/core/ports/meter-endpoint";
import type { Registry } from "prom-client";
import type { CertificateWatch } from "../certificates/certificate-watch.ts";
import { watchClientTls } from "../certificates/client-tls.ts";
import type { TlsFiles } from "../certificates/tls-files.ts";
import { mqttBrokerMetrics } from "../mqtt-broker/mqtt-broker-metrics.ts";
import type { MqttBrokerOptions } from "../mqtt-broker/mqtt-broker-source.ts";
import { openMqttBrokerSource } from "../mqtt-broker/mqtt-broker-source.ts";
import type { FairTurns } from "../mqtt-endpoint/bounds/fair-turns.ts";
import { openMqttEndpoint } from "../mqtt-endpoint/mqtt-endpoint.ts";
import { mqttEndpointMetrics } from "../mqtt-endpoint/mqtt-endpoint-metrics.ts";
import type { MessageEvents } from "../mqtt-messages/message-events.ts";
import type { MqttLog, MqttStanding } from "../mqtt-messages/mqtt-log.ts";

export interface MeterSourceOptions extends Pick<MessageEvents, "packetTooLarge"> {
  readonly listen: { readonly host: string; readonly port: number };
  readonly connectionsMax: number;
  readonly packetBytesMax: number;
  /** Messages come from this broker instead of our own endpoint. */
  readonly broker?:
    | (Pick<MqttBrokerOptions, "url" | "clientId" | "protocol" | "username" | "password"> & {
        readonly topics: readonly string[];
      })
    | undefined;
  readonly tls?: TlsFiles | undefined;
  /** At our own endpoint: who may connect, and which meters each speaks for. */
  readonly identitiesFile?: string | undefined;
  /** Of our own endpoint: whose turn it is to be read from. */
  readonly turns?: FairTurns;
  /** At our own endpoint: told of a meter when somebody begins to listen for what it is asked. */
  readonly listening?: (meterId: string) => void;
  readonly metrics: Registry;
  readonly log: MqttLog;
  /** What keeps messages from coming, and what is only to be known. */
  readonly standing: MqttStanding;
  readonly notices: MqttStanding;
  readonly certificates: CertificateWatch;
  readonly clock: Clock;
}

const endpointLimits = { inFlightMessagesMax: 1000, inFlightBytesMax: 64 * 1024 * 1024, connectTimeoutMs: 30_000 };
const brokerLimits = { inFlightMessagesMax: 4000, inFlightBytesMax: 64 * 1024 * 1024 };

/** Where meters report: our own endpoint, or an external broker where one is named. */
export function openMeterSource(options: MeterSourceOptions, take: TakeMessage): Promise<MeterEndpoint> {
  const { broker, tls, identitiesFile, clock, packetBytesMax, connectionsMax, packetTooLarge, metrics, log } = options;
  const { certificates } = options;
  if (broker === undefined) {
    if (identitiesFile !== undefined && tls === undefined)
      log.warn({}, "Meters send their passwords as they are: there is no METERBOOK_MQTT_TLS_CERT_FILE.");
    const events = mqttEndpointMetrics(metrics, log, { packetTooLarge }, certificates);
    return openMqttEndpoint(
      {
        ...options.listen,
        ...endpointLimits,
        packetBytesMax,
        connectionsMax,
        tls,
        identitiesFile,
        events,
        clock,
        turns: options.turns,
        listening: options.listening,
      },
      take,
    );
  }
  const { topics: filters, ...how } = broker;
  return openMqttBrokerSource(
    {
      ...how,
      ...brokerLimits,
      filters,
      payloadBytesMax: packetBytesMax,
      events: mqttBrokerMetrics(metrics, options, { packetTooLarge }),
      clock,
      ...(tls === undefined ? {} : { tls: watchClientTls(tls, { settings: "METERBOOK_MQTT_TLS_", certificates }).pem }),
    },
    take,
  );
}
