import { createRequire } from "node:module";
import { type AskedPartition, fetchDetours, type PassedOver } from "./fetch-detours.ts";
import { decodeFetch, type FetchedPartition } from "./unreadable-batches.ts";

/** The parts of kafkajs 2.2.4 that make a fetch. */
interface FetchedTopics {
  readonly topic: string;
  readonly partitions: readonly (AskedPartition & { readonly maxBytes?: number })[];
}
interface FetchCall {
  readonly topics: readonly FetchedTopics[];
}
interface Exchange {
  readonly request: object;
  readonly response: { decode(raw: Buffer): Promise<unknown>; parse(data: unknown): unknown };
}
interface FetchModule {
  protocol(of: { readonly version: number }): (call: FetchCall) => Exchange;
}

const require = createRequire(import.meta.url);
const fetchModule = require("kafkajs/src/protocol/requests/fetch/index.js") as FetchModule;
const protocolOf = fetchModule.protocol;
/** The newest that kafkajs speaks; every broker that we take speaks it too. */
const spokenVersion = 11;

/**
 * One batch that cannot be unpacked (a bit that flipped on a broker's disk) fails the whole fetch in kafkajs, for all
 * partitions, for ever. Here each of its records comes as one that cannot be read: it is told with its offset as
 * damage, like any other, and what comes behind it, and other partitions, are read. Where not even the end of the batch
 * is known, what follows is looked for (`record-batches.ts`), or read from an earlier offset (`fetch-detours.ts`).
 */
export function readPastUnreadableBatches(passedOver: readonly PassedOver[]): void {
  given = passedOver;
  fetchModule.protocol = ({ version }) => (version === spokenVersion ? exchange : protocolOf({ version }));
}

let given: readonly PassedOver[] = [];
/** Of this process, as the protocol is. */
const detours = fetchDetours(() => given);

/** Where partitions cannot be read in spite of all that is tried, in this process. */
export const unreadableStretches = detours.standing;

function exchange(call: FetchCall): Exchange {
  const askedFor = new Map<string, { readonly own: AskedPartition; readonly asked: string }>();
  const topics = call.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map((own) => {
      const asked = detours.offsetToAsk(topic, own);
      askedFor.set(`${topic}/${own.partition}`, { own, asked });
      return { ...own, fetchOffset: asked };
    }),
  }));
  const { request, response } = protocolOf({ version: spokenVersion })({ ...call, topics });
  function taken(topic: string, answer: FetchedPartition): FetchedPartition {
    const one = askedFor.get(`${topic}/${answer.partition}`);
    return one === undefined ? answer : detours.answerTo(topic, one.own, { asked: one.asked, answer });
  }
  return { request, response: { ...response, decode: (raw) => decodeFetch(raw, taken) } };
}
