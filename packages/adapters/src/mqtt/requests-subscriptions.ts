import { idPattern } from "@meterbook/core/domain/identifiers";

/** What one connection listens for. */
export interface RequestsSubscriptions {
  /** False when the topic is none that a meter may listen for, or when there are too many. */
  add(topic: string): boolean;
  remove(topics: readonly string[]): void;
}

const requestsTopic = /^meters\/([^/]+)\/requests$/;
/** A concentrator listens for each of its meters. */
const topicsMax = 10_000;

/** A meter may listen for what is asked of it, and for nothing else: no wildcards, no other topics. */
export function requestsSubscriptions(): RequestsSubscriptions {
  let topics: Set<string> | undefined;
  return {
    add(topic) {
      if (!idPattern.test(requestsTopic.exec(topic)?.[1] ?? "")) return false;
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
