import { expect, test } from "vitest";
import { openAggregatorWorld } from "../support/aggregator-world.ts";
import { instant, registerSeries } from "../support/readings.ts";

test("a log that holds less than the store has taken in is refused, and nothing of it is passed over", async () => {
  const world = await openAggregatorWorld({ nowMs: Date.parse("2026-11-20T12:00:00Z") });
  const at = instant("2026-11-01T00:00:00Z");
  await world.deliver({ meterId: "m-1", series: [registerSeries([[at, 100]])] });
  await world.deliver({ meterId: "m-1", series: [registerSeries([[at + 900, 110]])] });
  world.forgetLog();
  await expect(world.restart()).rejects.toThrow("it is not the log that the store was filled from");
  // What could not be opened cannot be closed.
  await world.dispose().catch(() => undefined);
});
