import { expect, test } from "vitest";
import { type MqttEnd, mqttUrlOf } from "./mqtt-settings.ts";

const files = { certFile: "c", keyFile: "k", caFile: undefined, crlFile: undefined };
const broker = { topics: [], clientId: "i", protocol: "5", username: undefined, password: undefined } as const;

test.for<{ end: MqttEnd; url: string }>([
  { end: {}, url: "mqtt://host:1" },
  { end: { mqttTls: files }, url: "mqtts://host:1" },
  { end: { mqttBroker: { ...broker, url: "mqtts://host:1" } }, url: "mqtts://host:1" },
  { end: { mqttBroker: { ...broker, url: "wss://host:1/path" }, mqttTls: files }, url: "wss://host:1" },
  { end: { mqttBroker: { ...broker, url: "mqtt://host:1" }, mqttTls: files }, url: "mqtt://host:1" },
])("the start says $url", ({ end, url }) => {
  expect(mqttUrlOf(end, "host:1")).toBe(url);
});
