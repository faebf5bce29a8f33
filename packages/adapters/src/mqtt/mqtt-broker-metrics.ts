import type { Registry } from "prom-client";
import { Counter, Gauge } from "prom-client";
import type { BrokerEvents } from "./broker-events.ts";
import { messageMetrics } from "./message-metrics.ts";
import type { MqttLog } from "./mqtt-log.ts";

/** The broker's events as metrics and log lines. */
export function mqttBrokerMetrics(
  registry: Registry,
  log: MqttLog,
  owner: Pick<BrokerEvents, "packetTooLarge">,
): BrokerEvents {
  const registers = [registry];
  const connected = new Gauge({
    name: "meterbook_mqtt_broker_connected",
    help: "1 while there is a connection to the MQTT broker, else 0.",
    registers,
  });
  const lost = new Counter({
    name: "meterbook_mqtt_broker_connections_lost_total",
    help: "Connections to the MQTT broker that ended or did not come about, by reason.",
    labelNames: ["reason"],
    registers,
  });
  const remarked = new Counter({
    name: "meterbook_mqtt_broker_remarks_total",
    help: "Signs that the MQTT broker loses messages or may (docs/mqtt.md), by code.",
    labelNames: ["code"],
    registers,
  });
  const repeated = new Counter({
    name: "meterbook_mqtt_retained_repeated_total",
    help: "Retained messages that a broker sent once more because of a subscription: not taken again.",
    registers,
  });
  return {
    ...messageMetrics(registers, owner),
    brokerConnected({ sessionPresent }) {
      connected.set(1);
      log.info({ sessionPresent }, "Connected to the MQTT broker.");
    },
    brokerLost({ reason, detail, retryMs }) {
      connected.set(0);
      lost.inc({ reason });
      if (reason !== "closed_by_us") log.warn({ reason, detail, retryMs }, "No connection to the MQTT broker.");
    },
    brokerRemarked({ code, detail }) {
      remarked.inc({ code });
      log.warn({ code, detail }, "The MQTT broker may lose messages.");
    },
    retainedRepeated: () => repeated.inc(),
  };
}
