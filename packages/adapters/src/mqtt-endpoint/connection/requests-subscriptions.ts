import { idPattern } from "@meterbook/core/domain/reading/identifiers";
import type { Sender } from "@meterbook/core/ports/meter-endpoint";

/** What one connection listens for. */
export interface RequestsSubscriptions {
  /** False when the topic is none that a meter may listen for, or when there are too many. */
  add(topic: string, sender: Sender | undefined): boolean;
  remove(topics: readonly string[]): void;
}

const requestsTopic = /^meters\/([^/]+)\/requests$/;
/** A concentrator listens for each of its meters. */
const topicsMax = 10_000;

/** A meter may listen for what is asked of it, and for nothing else: no wildcards, no other topics. */
export function requestsSubscriptions(): RequestsSubscriptions {
  let topics: Set<string> | undefined;
  return {
    add(topic, sender) {
      const meterId = requestsTopic.exec(topic)?.[1] ?? "";
      if (!idPattern.test(meterId) || sender?.speaksFor(meterId) === false) return false;
      topics ??= new Set();
      if (topics.size >= topicsMax && !topics.has(topic)) return false;
      topics.add(topic);
      return true;
    },
    remove(gone) {
      for (const topic of gone) topics?.delete(topic);
    },
  };
}
