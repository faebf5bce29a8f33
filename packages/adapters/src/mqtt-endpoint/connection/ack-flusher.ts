/**
 * Gathers the connections that have something to acknowledge, so that each writes once for all that settled together.
 */
export interface AckFlusher<Connection> {
  flushSoon(connection: Connection): void;
}

export function ackFlusher<Connection extends { flush(nowMs: number): void }>(
  nowMs: () => number,
): AckFlusher<Connection> {
  let due = new Set<Connection>();
  function flush(): void {
    const now = due;
    due = new Set();
    const atMs = nowMs();
    for (const connection of now) connection.flush(atMs);
  }
  return {
    flushSoon(connection) {
      if (due.size === 0) setImmediate(flush);
      due.add(connection);
    },
  };
}
