import { openKafkaCommands } from "@meterbook/adapters/kafka/kafka-commands";
import type { KafkaConnection } from "@meterbook/adapters/kafka/kafka-connection";
import { describe, expect, onTestFinished, test } from "vitest";
import { kafkaPlaces } from "../support/kafka-place.ts";
import { kafkaIsThere } from "../support/servers/kafka-server.ts";
import { silentKafkaEvents as events } from "../support/silent-kafka-events.ts";
import { commandsContract } from "./commands.contract.ts";

const command = { kind: "close-period", period: 24_321 } as const;
const nothing = { evaluated: 0, issued: 0, inPeriod: 0, heldBack: 0, waiting: 0 };

describe.skipIf(!kafkaIsThere())("on Kafka", { timeout: 60_000 }, () => {
  const places = kafkaPlaces();

  async function open(connection: KafkaConnection, partitions: number) {
    const commands = await openKafkaCommands({ connection, partitions, events });
    onTestFinished(() => commands.close());
    return commands;
  }

  commandsContract(async () => {
    const connection = await places.place();
    return { open: (partitions) => openKafkaCommands({ connection, partitions, events }) };
  });

  test("an idle aggregator is asked and has answered within 300 ms, once the connections stand", async () => {
    const connection = await places.place();
    const [api, aggregator] = [await open(connection, 1), await open(connection, 1)];
    await aggregator.serve(async () => ({ ...nothing, partitions: [0], evaluated: 1 }));
    const took: number[] = [];
    for (let n = 0; n < 11; n += 1) {
      const before = performance.now();
      await api.send(command, { timeoutMs: 10_000 });
      took.push(Math.round(performance.now() - before));
    }
    const [first, ...warm] = took;
    console.log(`command: the first after ${first} ms, then ${warm.join(" ")} ms`);
    expect(Math.max(...warm)).toBeLessThan(300);
  });

  test("a broker away: asking ends in time and names who is silent, and goes on when it is back", async () => {
    const connection = await places.place();
    const [api, aggregator] = [await open(connection, 2), await open(connection, 2)];
    const carriedOut: number[] = [];
    await aggregator.serve(async ({ period }) => {
      carriedOut.push(period);
      return { ...nothing, partitions: [0, 1], evaluated: 1 };
    });
    await api.send(command, { timeoutMs: 10_000 });
    await places.server.kill();
    await expect(api.send({ ...command, period: 1 }, { timeoutMs: 500 })).rejects.toThrow(
      "partitions 0 to 1 within 500 ms",
    );
    await places.server.start();
    expect(await api.send({ ...command, period: 2 }, { timeoutMs: 50_000 })).toEqual({ ...nothing, evaluated: 1 });
    // The one that nobody waited for any more was not carried out when it came through after all.
    expect(carriedOut).toEqual([24_321, 2]);
  });
});
