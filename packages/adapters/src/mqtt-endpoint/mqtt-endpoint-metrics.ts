import type { Registry } from "prom-client";
import { Counter, Gauge } from "prom-client";
import type { CertificateWatch, Duties } from "../certificates/certificate-watch.ts";
import { messageMetrics } from "../mqtt-messages/message-metrics.ts";
import type { MqttLog } from "../mqtt-messages/mqtt-log.ts";
import type { EndpointEvents } from "./endpoint-events.ts";

/** The endpoint's events as metrics. What is to become of a message that is too large is the caller's to say. */
export function mqttEndpointMetrics(
  registry: Registry,
  log: MqttLog,
  owner: Pick<EndpointEvents, "packetTooLarge">,
  certificates?: CertificateWatch,
): EndpointEvents {
  const registers = [registry];
  return {
    filesTaken: ({ settings, content = { documents: [], remarks: [] } }) =>
      certificates?.uses(settings, content, endpointDuties),
    filesFailed({ settings, error }) {
      if (certificates !== undefined) certificates.failed(settings, error);
      else log.error({ settings, error }, "Renewed certificates or identities cannot be used; those before stay.");
    },
    ...connectionMetrics(registers),
    ...messageMetrics(registers, owner),
    ...ignoredMetrics(registers),
  };
}

const refused = "meters that connect are refused until it is renewed";
/** Without a certificate of ours, an authority of theirs or a list that holds no meter gets in. */
const endpointDuties: Duties = {
  CERT_FILE: { stops: true, says: "meters that look at it do not connect" },
  CA_FILE: { stops: true, says: refused },
  CRL_FILE: { stops: true, says: refused },
};

type Registers = Registry[];

function connectionMetrics(
  registers: Registers,
): Pick<EndpointEvents, "connectionOpened" | "connectionClosed" | "connectionRefused"> {
  const open = new Gauge({ name: "meterbook_mqtt_connections", help: "Open MQTT connections.", registers });
  const opened = new Counter({
    name: "meterbook_mqtt_connections_opened_total",
    help: "MQTT connections that were accepted with a CONNACK.",
    registers,
  });
  const closed = new Counter({
    name: "meterbook_mqtt_connections_closed_total",
    help: "Open MQTT connections that ended, by what ended them.",
    labelNames: ["reason"],
    registers,
  });
  const refused = new Counter({
    name: "meterbook_mqtt_connections_refused_total",
    help: "MQTT connections that ended before they were open, by what ended them.",
    labelNames: ["reason"],
    registers,
  });
  return {
    connectionOpened() {
      open.inc();
      opened.inc();
    },
    connectionClosed({ reason }) {
      open.dec();
      closed.inc({ reason });
    },
    connectionRefused: ({ reason }) => refused.inc({ reason }),
  };
}

function ignoredMetrics(
  registers: Registers,
): Pick<EndpointEvents, "retainIgnored" | "willIgnored" | "subscriptionRefused"> {
  const ignored = new Counter({
    name: "meterbook_mqtt_ignored_total",
    help: "What clients asked for and do not get: `retain` (the message is taken), `will`, `subscription`.",
    labelNames: ["what"],
    registers,
  });
  return {
    retainIgnored: () => ignored.inc({ what: "retain" }),
    willIgnored: () => ignored.inc({ what: "will" }),
    subscriptionRefused: () => ignored.inc({ what: "subscription" }),
  };
}
