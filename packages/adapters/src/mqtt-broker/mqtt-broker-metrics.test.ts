import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { mqttBrokerMetrics } from "./mqtt-broker-metrics.ts";

function world() {
  const lines: string[] = [];
  const standing = new Map<string, string>();
  const recurred: string[] = [];
  const say = (_fields: object, message: string) => void lines.push(message);
  const events = mqttBrokerMetrics(
    new Registry(),
    {
      log: { info: say, warn: say, error: say },
      standing: {
        raise: (name, detail) => void standing.set(name, detail),
        clear: (name) => void standing.delete(name),
      },
      notices: { recur: (name) => void recurred.push(name) },
    },
    { packetTooLarge: async () => undefined },
  );
  return { lines, standing, recurred, events };
}

// D12: a line for each attempt, and ready all the time.
test("a broker that is away is one problem until it is there", () => {
  const { lines, standing, events } = world();
  for (let attempt = 0; attempt < 20; attempt += 1)
    events.brokerLost({ reason: "unreachable", detail: "connect ECONNREFUSED", retryMs: 100 });
  expect([...standing.values()]).toEqual([expect.stringContaining("unreachable, connect ECONNREFUSED")]);
  expect(lines).toEqual([]);
  events.brokerConnected({ sessionPresent: true });
  expect(standing.size).toBe(0);
  events.brokerLost({ reason: "closed_by_us", detail: "", retryMs: 0 });
  expect(standing.size).toBe(0);
});

test("what a broker is like is said once, what it goes on doing is one notice", () => {
  const { lines, recurred, events } = world();
  for (let connection = 0; connection < 3; connection += 1) {
    events.brokerRemarked({ code: "session_expires_early", detail: "keeps it for 60 s" });
    events.brokerRemarked({ code: "messages_dropped", detail: `${connection} more` });
  }
  events.brokerRemarked({ code: "session_expires_early", detail: "keeps it for 30 s" });
  expect(lines).toEqual(["The MQTT broker may lose messages.", "The MQTT broker may lose messages."]);
  expect(new Set(recurred)).toEqual(new Set(["MQTT broker messages_dropped"]));
});
