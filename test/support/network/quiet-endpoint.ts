import type { EndpointEvents } from "@meterbook/adapters/mqtt-endpoint/endpoint-events";
import { type MqttEndpointOptions, openMqttEndpoint } from "@meterbook/adapters/mqtt-endpoint/mqtt-endpoint";
import { mqttEndpointMetrics } from "@meterbook/adapters/mqtt-endpoint/mqtt-endpoint-metrics";
import { systemClock } from "@meterbook/core/ports/clock";
import type { TakeMessage } from "@meterbook/core/ports/meter-endpoint";
import { Registry } from "prom-client";
import { onTestFinished } from "vitest";

type Options = Partial<Omit<MqttEndpointOptions, "events">> & { readonly events?: Partial<EndpointEvents> };

/**
 * An endpoint at a free port of this machine, until the test is over. It logs nothing; who was refused or hung up on is
 * listed by reason.
 */
export async function quietEndpoint({ events, ...options }: Options, take: TakeMessage) {
  const refused: string[] = [];
  const closed: string[] = [];
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const opened = await openMqttEndpoint(
    {
      host: "127.0.0.1",
      port: 0,
      inFlightMessagesMax: 10,
      inFlightBytesMax: 1_000_000,
      connectionsMax: 100,
      connectTimeoutMs: 10_000,
      sweepEveryMs: 25,
      filesLookEveryMs: 50,
      clock: systemClock,
      ...options,
      events: {
        ...mqttEndpointMetrics(new Registry(), silent, { packetTooLarge: async () => undefined }),
        connectionRefused: ({ reason }) => void refused.push(reason),
        connectionClosed: ({ reason }) => void closed.push(reason),
        ...events,
      },
    },
    take,
  );
  onTestFinished(() => opened.close());
  return { ...opened, refused, closed };
}
