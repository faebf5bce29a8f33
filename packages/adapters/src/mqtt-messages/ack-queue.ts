/** A message whose sender has not been answered yet. */
export interface Owed {
  readonly qos: 0 | 1 | 2;
  readonly packetId: number;
  readonly bytes: number;
  readonly arrivedAtMs: number;
  /** May be acknowledged, once all before it may. */
  settled: boolean;
}

/** What the settled messages at the front come to: their acknowledgements and the facts for an event. */
export interface Released {
  readonly acks: Buffer;
  readonly counts: { readonly qos0: number; readonly qos1: number; readonly qos2: number };
  readonly bytes: number;
  /** Of the one that came first. */
  readonly arrivedAtMs: number;
}

/** The messages of one connection in the order in which they came, which is the order of their acknowledgements. */
export interface AckQueue {
  add(owed: Owed): void;
  length(): number;
  bytes(): number;
  /** Something at the front may be acknowledged. */
  ready(): boolean;
  /** Takes the settled messages off the front; undefined when there are none. */
  release(): Released | undefined;
}

const puback = 0x40;
const pubrec = 0x50;
const nothing = Buffer.alloc(0);

export function ackQueue(): AckQueue {
  let waiting: Owed[] = [];
  let front = 0;
  let bytes = 0;

  /** Cuts off what is answered, rarely enough that it costs nothing. */
  function compact(): void {
    if (front === waiting.length) waiting = [];
    else if (front >= 512) waiting = waiting.slice(front);
    else return;
    front = 0;
  }

  function settledEnd(): number {
    let end = front;
    while (waiting[end]?.settled === true) end += 1;
    return end;
  }

  return {
    add(owed) {
      waiting.push(owed);
      bytes += owed.bytes;
    },
    length: () => waiting.length - front,
    bytes: () => bytes,
    ready: () => waiting[front]?.settled === true,
    release() {
      const end = settledEnd();
      if (end === front) return undefined;
      const released = answer(waiting, front, end);
      front = end;
      bytes -= released.bytes;
      compact();
      return released;
    },
  };
}

function answer(waiting: readonly Owed[], from: number, end: number): Released {
  const acks = Buffer.allocUnsafe(4 * (end - from));
  const byQos: [number, number, number] = [0, 0, 0];
  let at = 0;
  let bytes = 0;
  for (let i = from; i < end; i += 1) {
    const owed = waiting[i] as Owed;
    byQos[owed.qos] += 1;
    bytes += owed.bytes;
    if (owed.qos === 0) continue;
    acks[at] = owed.qos === 1 ? puback : pubrec;
    acks[at + 1] = 2;
    acks[at + 2] = owed.packetId >> 8;
    acks[at + 3] = owed.packetId & 255;
    at += 4;
  }
  const [qos0, qos1, qos2] = byQos;
  const arrivedAtMs = (waiting[from] as Owed).arrivedAtMs;
  return { acks: at === 0 ? nothing : acks.subarray(0, at), counts: { qos0, qos1, qos2 }, bytes, arrivedAtMs };
}
