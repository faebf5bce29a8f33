// A process that takes messages from a broker, writes each to a file, and dies in the middle of it when told to.
import { openSync, writeSync } from "node:fs";
import { openMqttBrokerSource } from "@meterbook/adapters/mqtt-broker/mqtt-broker-source";
import { systemClock } from "@meterbook/core/ports/clock";

const { killAfter, keptFile, ...where } = JSON.parse(process.env["SOURCE"] ?? "{}") as {
  url: string;
  clientId: string;
  filters: string[];
  /** 0 = never */
  killAfter: number;
  keptFile: string;
};
const nothing = () => undefined;
let taken = 0;
const kept = openSync(keptFile, "a");

await openMqttBrokerSource(
  {
    ...where,
    payloadBytesMax: 10_000,
    inFlightMessagesMax: 500,
    inFlightBytesMax: 1_000_000,
    events: {
      brokerConnected: nothing,
      brokerLost: nothing,
      brokerRemarked: nothing,
      retainedRepeated: nothing,
      messagesTaken: nothing,
      messageFailed: nothing,
      readingPaused: nothing,
      packetTooLarge: async () => undefined,
    },
    clock: systemClock,
  },
  async ({ payload }) => {
    taken += 1;
    const text = `${Buffer.from(payload).toString()}\n`;
    if (taken === killAfter) process.kill(process.pid, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 3));
    writeSync(kept, text);
  },
);
