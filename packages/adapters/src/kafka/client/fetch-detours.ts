import type { FetchedPartition, FetchedRecord } from "./unreadable-batches.ts";

/** What a consumer asks for of a partition. */
export interface AskedPartition {
  readonly partition: number;
  readonly fetchOffset: string;
}

/** Offsets that an operator gives up, because the broker cannot give them (METERBOOK_KAFKA_PASS_OVER). */
export interface PassedOver {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** From where on a partition cannot be read, and from where on it can be read again. */
export interface UnreadableStretch {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly readableFrom: number;
}

/** What an operator is told. */
export function stretchText({ topic, partition, from, readableFrom }: UnreadableStretch): string {
  const setting = `METERBOOK_KAFKA_PASS_OVER=${topic}/${partition}/${from}-${readableFrom - 1}`;
  return `${topic} partition ${partition} cannot be read from offset ${from} on; ${setting} goes on behind it`;
}

/** Tries of a place where a fetch gives nothing though there is more. */
interface Stand {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  tries: number;
  /** Offsets behind it: up to here nothing can be read, and from there on it can. */
  missedTo: number;
  readableFrom: number | undefined;
  /** When somebody last wanted to read it. */
  wantedAtMs: number;
}

/** Whoever has a partition asks for it several times a second. Later it is another's, or nobody's. */
const wantedMs = 10_000;

/** A process has some hundred partitions; what stood before and was let go is forgotten. */
const standsMax = 1000;
const corruptMessage = 2;

/**
 * A broker finds an offset by walking from batch to batch, from the newest entry of its index before it. A batch whose
 * length is damaged ends that walk: of what stands behind it, up to the next entry, the broker gives nothing, or says
 * that it is corrupt. But it gives a stretch of the file as it is. So such a place is read from an earlier offset on,
 * which brings what stands behind the damage too. Where there is none, it is told from where on can be read again.
 */
export function fetchDetours(passedOver: () => readonly PassedOver[], steadyMs = () => performance.now()) {
  const stands = new Map<string, Stand>();
  /** What helped last, of a partition. */
  const helped = new Map<string, number>();

  function offsetToAsk(topic: string, { partition, fetchOffset }: AskedPartition): string {
    const stand = stands.get(`${topic}/${partition}/${fetchOffset}`);
    if (stand === undefined) return fetchOffset;
    return String(detourOf(stand, helped.get(`${topic}/${partition}`)) ?? fetchOffset);
  }

  /** What is to be taken for the answer to what the consumer asked for. */
  function answerTo(
    topic: string,
    { partition, fetchOffset }: AskedPartition,
    { asked, answer }: { readonly asked: string; readonly answer: FetchedPartition },
  ): FetchedPartition {
    const wanted = Number(fetchOffset);
    const given = passedOver().find((one) => one.topic === topic && one.partition === partition && isIn(one, wanted));
    const passed = given === undefined ? undefined : passedTo(given, answer);
    if (passed !== undefined && passed >= wanted) {
      return { ...answer, errorCode: 0, messages: noRecords(wanted, passed) };
    }
    const key = `${topic}/${partition}/${fetchOffset}`;
    const isDetour = asked !== fetchOffset;
    const stand = stands.get(key);
    // As it is: kafkajs goes on by itself where all that is left of a compacted batch stands before the offset.
    if (!isDetour && (answer.messages.length > 0 || !isStill(answer, wanted))) {
      stands.delete(key);
      return answer;
    }
    const messages = answer.messages.filter(({ offset }) => Number(offset) >= wanted);
    if (Number(asked) > wanted) {
      if (stand !== undefined) look(stand, Number(asked), messages.length > 0);
    } else if (messages.length > 0) {
      stands.delete(key);
      helped.set(`${topic}/${partition}`, Number(asked));
      return { ...answer, errorCode: 0, messages };
    }
    remember(key, stand ?? newStand(topic, partition, wanted));
    return { ...answer, errorCode: 0, messages: [] };

    function look(one: Stand, at: number, isReadable: boolean): void {
      if (isReadable) one.readableFrom = Math.min(at, one.readableFrom ?? at);
      else one.missedTo = Math.max(at, one.missedTo);
    }
  }

  function remember(key: string, stand: Stand): void {
    stand.tries += 1;
    stand.wantedAtMs = steadyMs();
    stands.set(key, stand);
    for (const oldest of stands.keys()) {
      if (stands.size <= standsMax) break;
      stands.delete(oldest);
    }
  }

  return {
    offsetToAsk,
    answerTo,
    /** Where somebody wants to read and stands in spite of all tries. */
    standing(): readonly UnreadableStretch[] {
      const sinceMs = steadyMs() - wantedMs;
      return [...stands.values()]
        .filter(({ wantedAtMs }) => wantedAtMs >= sinceMs)
        .flatMap(({ topic, partition, offset: from, missedTo, readableFrom }) =>
          readableFrom !== undefined && readableFrom - missedTo <= 1 ? [{ topic, partition, from, readableFrom }] : [],
        );
    },
  };
}

function newStand(topic: string, partition: number, offset: number): Stand {
  return { topic, partition, offset, tries: 0, missedTo: offset, readableFrom: undefined, wantedAtMs: 0 };
}

/** What is still to come is no record that cannot be read. A broker that finds damage does not say where it ends. */
function passedTo({ to }: PassedOver, { highWatermark }: FetchedPartition): number {
  const end = Number(highWatermark);
  return end < 0 ? to : Math.min(to, end - 1);
}

function isIn({ from, to }: PassedOver, offset: number): boolean {
  return from <= offset && offset <= to;
}

/** Whether there is more than was given. It may be that other partitions took the room of the answer. */
function isStill({ errorCode, lastStableOffset }: FetchedPartition, offset: number): boolean {
  return errorCode === corruptMessage || (errorCode === 0 && Number(lastStableOffset) > offset);
}

/** Every other try is the offset itself: that it gave nothing may have another cause, which is over. */
function detourOf({ offset, tries, missedTo, readableFrom }: Stand, helped: number | undefined): number | undefined {
  if (tries % 2 === 0) return undefined;
  const earlier = [helped ?? offset, ...steps.map((step) => offset - step)].filter((at) => at >= 0 && at < offset);
  const turn = (tries - 1) / 2;
  if (turn < earlier.length) return earlier[turn];
  const later = turn - earlier.length;
  if (readableFrom === undefined) return offset + 2 ** (later % laterStepsMax);
  if (readableFrom - missedTo > 1) return Math.floor((readableFrom + missedTo) / 2);
  return earlier[turn % Math.max(1, earlier.length)];
}

const steps = Array.from({ length: 17 }, (_, n) => 2 ** n);
const laterStepsMax = 20;

/** Every record of ours has a checksum, which this does not: each is told as damage, with its offset. */
const passed = Buffer.from("a record that was passed over");

function noRecords(from: number, to: number): FetchedRecord[] {
  return Array.from({ length: to - from + 1 }, (_, n) => ({
    ...{ magicByte: 2, attributes: 0, timestamp: "0", offset: String(from + n), key: null, value: passed, headers: {} },
    isControlRecord: false,
    batchContext: { producerId: "-1", inTransaction: false },
  }));
}
