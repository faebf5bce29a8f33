import { parseArgs } from "node:util";
import { latencyProbe } from "./latency-probe.ts";
import type { Load, LoadForm } from "./raw-load-formula.ts";
import { loadForms, loadReadings, loadRegisters, peerForms } from "./raw-load-formula.ts";
import type { LoadLane } from "./raw-load-lane.ts";
import { loadLane } from "./raw-load-lane.ts";
import { packetSource } from "./raw-load-packets.ts";

/**
 * MQTT QoS 1 load from raw sockets, in a process of its own so that it does not disturb what is measured; what it sends
 * is in raw-load-formula.ts. Prints JSON lines: `{start}` when every connection is open, `{second, acked}` each second
 * with `--progress`, and at the end `{acked, readings, seconds, cpuSeconds, reconnects, resent, latencyMs?}`. Ends with
 * `{error}` and code 1 when the server acknowledges out of order, or nothing for `--patience` seconds.
 */
const { values } = parseArgs({
  options: {
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "1883" },
    messages: { type: "string", default: "100000" },
    meters: { type: "string", default: "50000" },
    connections: { type: "string", default: "16" },
    window: { type: "string", default: "200" },
    registers: { type: "string", default: "3" },
    /** `1`: one of each register; `32`: a profile of one register; `32-single`: 32 entries of one register. */
    "readings-per-message": { type: "string", default: "1" },
    /** Messages a second over all; 0 = as fast as they are acknowledged. */
    rate: { type: "string", default: "0" },
    "start-at": { type: "string", default: "1767218400" },
    /** Goes on where another load of the same meters has ended. */
    "first-round": { type: "string", default: "0" },
    patience: { type: "string", default: "60" },
    /** Report the time from when a message was due to its PUBACK; with a rate only. */
    latency: { type: "boolean", default: false },
    progress: { type: "boolean", default: false },
  },
});

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function fail(error: string): never {
  print({ error });
  return process.exit(1);
}

type NumberOption = Exclude<keyof typeof values, "host" | "readings-per-message" | "latency" | "progress">;

function whole(name: NumberOption, min: number, max: number): number {
  const value = Number(values[name]);
  return Number.isInteger(value) && value >= min && value <= max
    ? value
    : fail(`--${name} must be a whole number from ${min} to ${max}`);
}

function readForm(): LoadForm {
  const forms = [...loadForms, ...peerForms];
  const form = forms.find((name) => name === values["readings-per-message"]);
  return form ?? fail(`--readings-per-message must be one of ${forms.join(", ")}`);
}

const load: Load = {
  messages: whole("messages", 1, 1e9),
  meters: whole("meters", 1, 1e7),
  registers: whole("registers", 1, loadRegisters.length),
  form: readForm(),
  startAt: whole("start-at", 0, 2 ** 32 - 1),
  firstRound: whole("first-round", 0, 1e6),
};
const rate = whole("rate", 0, 1e7);
const patienceMs = whole("patience", 1, 86_400) * 1000;
const connections = Math.min(whole("connections", 1, 60_000), load.meters, load.messages);
const network = { host: values.host, port: whole("port", 1, 65_535), window: whole("window", 1, 65_535) };
if (values.latency && rate === 0) fail("--latency needs a --rate: at full speed it measures the window");

const probe = values.latency ? latencyProbe(2_000_000) : undefined;
const finished = Promise.withResolvers<void>();
let startedMs = Number.POSITIVE_INFINITY;
let acked = 0;

function openLanes(): LoadLane[] {
  return Array.from({ length: connections }, (_, number) => {
    const source = packetSource(load, number, connections);
    const laneRate = (rate * source.count) / load.messages / 1000;
    return loadLane(source, {
      ...network,
      clientId: `load-${process.pid}-${number}`,
      due: () =>
        rate === 0
          ? startedMs < Number.POSITIVE_INFINITY
            ? source.count
            : 0
          : Math.floor((performance.now() - startedMs) * laneRate),
      acknowledged(first, count) {
        acked += count;
        const nowMs = performance.now();
        for (let i = first; probe !== undefined && i < first + count; i += 1)
          probe.add(nowMs - startedMs - (i + 1) / laneRate);
        if (acked === load.messages) finished.resolve();
      },
      failed: fail,
    });
  });
}

function watchSeconds(): () => void {
  let before = { acked: -1, atMs: performance.now() };
  let second = 0;
  const timer = setInterval(() => {
    second += 1;
    if (values.progress) print({ second, acked });
    if (acked !== before.acked) before = { acked, atMs: performance.now() };
    else if (performance.now() - before.atMs > patienceMs)
      fail(`the server has acknowledged nothing for ${patienceMs / 1000} s (${acked} of ${load.messages} so far)`);
  }, 1000);
  return () => clearInterval(timer);
}

const endWatch = watchSeconds();
const lanes = openLanes();
await Promise.all(lanes.map((lane) => lane.open()));
print({ start: Date.now() });
const cpuBefore = process.cpuUsage();
startedMs = performance.now();
const fillAll = () => {
  for (const lane of lanes) lane.fill();
};
fillAll();
const pacing = rate === 0 ? undefined : setInterval(fillAll, 1);
await finished.promise;
const seconds = (performance.now() - startedMs) / 1000;
const { user, system } = process.cpuUsage(cpuBefore);
clearInterval(pacing);
endWatch();
const sum = (of: (lane: LoadLane) => number) => lanes.reduce((total, lane) => total + of(lane), 0);
print({
  acked,
  readings: loadReadings(load),
  seconds,
  cpuSeconds: (user + system) / 1e6,
  reconnects: sum((lane) => lane.reconnects),
  resent: sum((lane) => lane.resent),
  ...(probe === undefined ? {} : { latencyMs: probe.summary() }),
});
for (const lane of lanes) lane.close();
