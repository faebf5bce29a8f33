import type { ReadSettings } from "./setting-schema.ts";

/** An external broker as the source of messages. */
export interface MqttBrokerSettings {
  readonly url: string;
  readonly topics: readonly string[];
  readonly clientId: string;
  readonly protocol: "5" | "3.1.1";
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** PEM files; what our endpoint shows, or what we show to an external broker. */
export interface MqttTlsSettings {
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly caFile: string | undefined;
  readonly crlFile: string | undefined;
}

export function mqttBrokerFrom(read: ReadSettings): MqttBrokerSettings | undefined {
  const url = read.METERBOOK_MQTT_URL;
  if (url === undefined) return undefined;
  return {
    url,
    topics: read.METERBOOK_MQTT_TOPICS,
    clientId: read.METERBOOK_MQTT_CLIENT_ID,
    protocol: read.METERBOOK_MQTT_PROTOCOL,
    username: read.METERBOOK_MQTT_USERNAME,
    password: read.METERBOOK_MQTT_PASSWORD,
  };
}

export function mqttTlsFrom(read: ReadSettings): MqttTlsSettings | undefined {
  const files = {
    certFile: read.METERBOOK_MQTT_TLS_CERT_FILE,
    keyFile: read.METERBOOK_MQTT_TLS_KEY_FILE,
    caFile: read.METERBOOK_MQTT_TLS_CA_FILE,
    crlFile: read.METERBOOK_MQTT_TLS_CRL_FILE,
  };
  return Object.values(files).every((file) => file === undefined) ? undefined : files;
}

export interface MqttEnd {
  readonly mqttBroker?: MqttBrokerSettings | undefined;
  readonly mqttTls?: MqttTlsSettings | undefined;
}

/** Where messages come from, as the line at the start says it: the broker, or our endpoint with or without TLS. */
export function mqttUrlOf({ mqttBroker, mqttTls }: MqttEnd, address: string): string {
  if (mqttBroker !== undefined) return `${new URL(mqttBroker.url).protocol}//${address}`;
  return `${mqttTls === undefined ? "mqtt" : "mqtts"}://${address}`;
}
