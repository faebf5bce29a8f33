import { openMqttEndpoint } from "@meterbook/adapters/mqtt/mqtt-endpoint";
import { systemClock } from "@meterbook/core/ports/clock";
import { meterEndpointContract } from "./meter-endpoint.contract.ts";

const limits = {
  host: "127.0.0.1",
  port: 0,
  inFlightMessagesMax: 8,
  inFlightBytesMax: 1_000_000,
  connectionsMax: 400,
  connectTimeoutMs: 5_000,
  holdBackMsMin: 50,
  clock: systemClock,
};
const ignore = () => undefined;
const silent = {
  connectionOpened: ignore,
  connectionClosed: ignore,
  connectionRefused: ignore,
  messagesTaken: ignore,
  messageFailed: ignore,
  retainIgnored: ignore,
  willIgnored: ignore,
  subscriptionRefused: ignore,
  readingPaused: ignore,
  packetTooLarge: async () => undefined,
};

meterEndpointContract((take) => openMqttEndpoint({ ...limits, events: silent }, take));
