import type { Registry } from "prom-client";
import { Counter, Gauge } from "prom-client";
import { messageMetrics } from "../mqtt-messages/message-metrics.ts";
import type { MqttLog, MqttStanding } from "../mqtt-messages/mqtt-log.ts";
import type { BrokerEvents, RemarkCode } from "./broker-events.ts";

/** What goes on happening, told again each time. */
const passing: ReadonlySet<RemarkCode> = new Set<RemarkCode>(["messages_dropped", "client_id_shared"]);

export interface BrokerTold {
  readonly log: MqttLog;
  readonly standing: Pick<MqttStanding, "raise" | "clear">;
  readonly notices: Pick<MqttStanding, "recur">;
}

/** The broker's events as metrics, log lines and health. */
export function mqttBrokerMetrics(
  registry: Registry,
  { log, standing, notices }: BrokerTold,
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
  const said = new Map<RemarkCode, string>();
  return {
    ...messageMetrics(registers, owner),
    brokerConnected({ sessionPresent }) {
      connected.set(1);
      standing.clear("MQTT broker");
      log.info({ sessionPresent }, "Connected to the MQTT broker.");
    },
    brokerLost({ reason, detail, retryMs }) {
      connected.set(0);
      lost.inc({ reason });
      if (reason === "closed_by_us") return;
      // Without an answer of its own the session is kept, and the reason for which we hung up is told where it arises.
      const why = detail === "" ? reason : `${reason}, ${detail}`;
      standing.raise("MQTT broker", `no connection to the MQTT broker: ${why}; tried again in ${retryMs} ms`);
    },
    brokerRemarked({ code, detail }) {
      remarked.inc({ code });
      if (passing.has(code)) return notices.recur(`MQTT broker ${code}`, detail);
      // What it is like it says again at each connection.
      if (said.get(code) === detail) return;
      said.set(code, detail);
      log.warn({ code, detail }, "The MQTT broker may lose messages.");
    },
    retainedRepeated: () => repeated.inc(),
  };
}
