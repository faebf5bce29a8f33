import { connect, type Socket } from "node:net";
import { raw } from "./raw-mqtt.ts";

/** Meters that mean well: each reports now and then, waits for its PUBACK, and reports again what got none. */
export interface HonestMeters {
  /**
   * Times from when a report was due until its PUBACK, in milliseconds, since the last call. Reports that still wait
   * count with their time so far.
   */
  latenciesMs(): number[];
  /** Connections that ended though nobody wanted them to. */
  readonly reconnects: number;
  /** Sends no more; resolves when everything is acknowledged. */
  finish(): Promise<void>;
  /** Accepted readings by meter: instants in seconds. */
  readonly acknowledged: ReadonlyMap<string, readonly number[]>;
  /** Readings that Meterbook must have refused. */
  readonly refused: number;
}

export interface HonestOptions {
  readonly port: number;
  readonly meters: number;
  readonly everyMs: number;
  /** One meter in so many has a register that is broken: one reading of each report is refused. */
  readonly brokenOneIn: number;
}

interface Report {
  readonly dueMs: number;
  readonly packet: Buffer;
  readonly at: number;
}

interface Meter {
  readonly id: string;
  readonly isBroken: boolean;
  socket: Socket | undefined;
  isUp: boolean;
  readonly waiting: Report[];
  sent: number;
}

const firstAt = Date.UTC(2024, 0, 1) / 1000;

export function startHonestMeters({ port, meters: count, everyMs, brokenOneIn }: HonestOptions): HonestMeters {
  const meters = Array.from({ length: count }, (_, number) => meter(number, brokenOneIn));
  const acknowledged = new Map(meters.map(({ id }) => [id, [] as number[]]));
  let latencies: number[] = [];
  let reconnects = 0;
  let refused = 0;
  let isOver = false;

  function open(one: Meter): void {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    let rest: Buffer = Buffer.alloc(0);
    one.socket = socket;
    socket.on("error", () => undefined);
    socket.on("connect", () => socket.write(raw.connect({ clientId: one.id })));
    socket.on("data", (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (; rest.length >= 4; rest = rest.subarray(4)) answered(one, rest.subarray(0, 4));
    });
    socket.on("close", () => {
      one.isUp = false;
      if (isOver) return;
      reconnects += 1;
      setTimeout(open, 50, one);
    });
  }

  /** CONNACK and PUBACK are both four bytes. */
  function answered(one: Meter, packet: Buffer): void {
    if (packet[0] === 0x20) {
      one.isUp = true;
      for (const { packet: again } of one.waiting) one.socket?.write(again);
      return;
    }
    const report = one.waiting.shift();
    if (report === undefined || packet[0] !== 0x40) throw new Error(`${one.id} was sent ${packet.toString("hex")}`);
    latencies.push(performance.now() - report.dueMs);
    acknowledged.get(one.id)?.push(report.at);
    if (one.isBroken) refused += 1;
  }

  function report(one: Meter, dueMs: number): void {
    one.sent += 1;
    const at = firstAt + one.sent * 900;
    const packet = raw.publish(`meters/${one.id}/readings/json`, payloadOf(one, at), { id: (one.sent % 65_535) + 1 });
    one.waiting.push({ dueMs, packet, at });
    if (one.isUp) one.socket?.write(packet);
  }

  for (const one of meters) open(one);
  let next = performance.now() + everyMs;
  let turn = 0;
  const timer = setInterval(() => {
    for (; next <= performance.now(); next += everyMs / count) report(meters[turn++ % count] as Meter, next);
  }, 5);

  return {
    get reconnects() {
      return reconnects;
    },
    get refused() {
      return refused;
    },
    acknowledged,
    latenciesMs() {
      const nowMs = performance.now();
      const all = [...latencies, ...meters.flatMap(({ waiting }) => waiting.map(({ dueMs }) => nowMs - dueMs))];
      latencies = [];
      return all;
    },
    async finish() {
      clearInterval(timer);
      while (meters.some(({ waiting }) => waiting.length > 0)) await new Promise((resolve) => setTimeout(resolve, 20));
      isOver = true;
      for (const { socket } of meters) socket?.end(raw.disconnect());
    },
  };
}

function meter(number: number, brokenOneIn: number): Meter {
  const isBroken = number % brokenOneIn === brokenOneIn - 1;
  return { id: `honest-${number}`, isBroken, socket: undefined, isUp: false, waiting: [], sent: 0 };
}

function payloadOf({ isBroken }: Meter, at: number): string {
  const reading = { at: new Date(at * 1000).toISOString(), register: "1.8.0", value: at - firstAt, unit: "Wh" };
  const others = isBroken ? [{ ...reading, register: "2.8.0", value: -1 }] : [];
  return JSON.stringify({ readings: [reading, ...others] });
}
