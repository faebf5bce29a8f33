import { idPattern } from "@meterbook/core/domain/reading/identifiers";
import type { Sender } from "@meterbook/core/ports/meter-endpoint";

/** Who listens for what meters are asked, over all connections of an endpoint. */
export interface RequestListeners {
  /** Of one connection. */
  connection(): ListeningConnection;
  /** Whether anybody listens to the topic. */
  has(topic: string): boolean;
}

export interface ListeningConnection {
  /** False when the topic is none that a meter may listen for, or when there are too many. */
  allow(topic: string, sender: Sender | undefined): boolean;
  /** It is subscribed. Counts once, however often. */
  begin(topics: readonly string[]): void;
  end(topics: readonly string[]): void;
  /** It listens to nothing any more, and will not. */
  close(): void;
}

const requestsTopic = /^meters\/([^/]+)\/requests(\/protobuf)?$/;
/** A concentrator listens for each of its meters. */
const topicsMax = 10_000;

/**
 * A meter may listen for what is asked of it, and for nothing else: no wildcards, no other topics.
 *
 * @param began told of a meter whenever somebody subscribes to what it is asked
 */
export function requestListeners(began: (meterId: string) => void): RequestListeners {
  const listeners = new Map<string, number>();

  function count(topic: string, by: 1 | -1): void {
    const now = (listeners.get(topic) ?? 0) + by;
    if (now > 0) listeners.set(topic, now);
    else listeners.delete(topic);
  }

  return { has: (topic) => listeners.has(topic), connection: () => listeningConnection(count, began) };
}

function listeningConnection(
  count: (topic: string, by: 1 | -1) => void,
  began: (meterId: string) => void,
): ListeningConnection {
  /** Those that are allowed, and whether they are subscribed yet. */
  let topics: Map<string, boolean> | undefined;
  let isClosed = false;
  return {
    allow(topic, sender) {
      const meterId = meterOf(topic);
      if (meterId === undefined || sender?.speaksFor(meterId) === false) return false;
      topics ??= new Map();
      if (topics.has(topic)) return true;
      if (topics.size >= topicsMax) return false;
      topics.set(topic, false);
      return true;
    },
    begin(subscribed) {
      if (isClosed) return;
      for (const topic of subscribed) {
        if (topics?.get(topic) === false) count(topic, 1);
        topics?.set(topic, true);
        began(meterOf(topic) ?? "");
      }
    },
    end(gone) {
      for (const topic of gone) {
        if (topics?.get(topic) === true) count(topic, -1);
        topics?.delete(topic);
      }
    },
    close() {
      isClosed = true;
      for (const [topic, isSubscribed] of topics ?? []) if (isSubscribed) count(topic, -1);
      topics = undefined;
    },
  };
}

function meterOf(topic: string): string | undefined {
  const meterId = requestsTopic.exec(topic)?.[1] ?? "";
  return idPattern.test(meterId) ? meterId : undefined;
}
