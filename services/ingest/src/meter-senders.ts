/**
 * Whose messages a meter's readings came in, where that is somebody else than the meter: what is refused later is of
 * that one.
 */
export interface MeterSenders {
  heard(meterId: string, sender: string): void;
  /** The meter itself where nobody else is known. */
  senderOf(meterId: string): string;
}

/** Remembers so many meters, those that were heard of last. */
const metersMax = 100_000;

export function meterSenders(max: number = metersMax): MeterSenders {
  const senders = new Map<string, string>();
  return {
    heard(meterId, sender) {
      if (senders.get(meterId) === sender || (sender === meterId && !senders.has(meterId))) return;
      senders.delete(meterId);
      if (sender === meterId) return;
      senders.set(meterId, sender);
      if (senders.size <= max) return;
      for (const oldest of senders.keys()) {
        senders.delete(oldest);
        return;
      }
    },
    senderOf: (meterId) => senders.get(meterId) ?? meterId,
  };
}
