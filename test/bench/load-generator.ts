import { parseArgs } from "node:util";
import type { Lane } from "./load-lane.ts";
import { openLane } from "./load-lane.ts";
import type { LoadShape } from "./report-bytes.ts";

/** Meters in a process of their own: raw sockets, QoS 1, a window of unacknowledged messages per connection. */
const { values } = parseArgs({
  options: {
    port: { type: "string", default: "1883" },
    messages: { type: "string", default: "100000" },
    meters: { type: "string", default: "50000" },
    connections: { type: "string", default: "16" },
    window: { type: "string", default: "200" },
    rate: { type: "string", default: "0" },
    "readings-per-message": { type: "string", default: "1" },
    "start-at": { type: "string", default: "0" },
  },
});
const number = (name: Exclude<keyof typeof values, "readings-per-message">) => Number(values[name]);
const messages = number("messages");
const rate = number("rate");
const connections = Math.min(number("connections"), number("meters"), messages);
const shape: LoadShape = {
  meters: number("meters"),
  readingsPerMessage: values["readings-per-message"] as LoadShape["readingsPerMessage"],
  startAt: number("start-at"),
};
// A meter keeps to one connection, so that its reports stay in order.
if (shape.meters % connections !== 0 && messages > shape.meters) throw new Error("meters must be a multiple of connections");

const finished = Promise.withResolvers<void>();
let lanes: readonly Lane[] = [];
lanes = await Promise.all(
  Array.from({ length: connections }, (_, lane) =>
    openLane({ port: number("port"), number: lane, lanes: connections, messages, window: number("window"), shape }, () => {
      if (lanes.length > 0 && lanes.every(({ acked, count }) => acked === count)) finished.resolve();
    }),
  ),
);

console.log(JSON.stringify({ start: Date.now() }));
const cpuBefore = process.cpuUsage();
const started = performance.now();
const allowed = () => (rate === 0 ? Number.POSITIVE_INFINITY : (((performance.now() - started) / 1000) * rate) / connections);
const pumpAll = () => {
  for (const lane of lanes) lane.pump(Math.floor(allowed()));
};
pumpAll();
const timer = rate === 0 ? undefined : setInterval(pumpAll, 2);
await finished.promise;
clearInterval(timer);
const seconds = (performance.now() - started) / 1000;
const { user, system } = process.cpuUsage(cpuBefore);
const sum = (of: (lane: Lane) => number) => lanes.reduce((total, lane) => total + of(lane), 0);
console.log(
  JSON.stringify({
    acked: sum(({ acked }) => acked),
    seconds,
    cpuSeconds: (user + system) / 1e6,
    reconnects: sum(({ reconnects }) => reconnects),
    resent: sum(({ resent }) => resent),
  }),
);
for (const lane of lanes) lane.end();
