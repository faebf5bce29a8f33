import { open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readBatches } from "@meterbook/adapters/kafka/client/unreadable-batches";
import { topics } from "@meterbook/adapters/kafka/topics/topic-names";
import { readLedgerRecord } from "@meterbook/adapters/sqlite-views/ledger/ledger-record";
import { type LostReadings, readingsOfFrame } from "./lost-readings.ts";

/** A record of a topic of which a bit flipped on the broker's disk. */
export interface SegmentFlip {
  /** As `verify` calls it. */
  readonly where: string;
  /** What is lost by it, where anything may be. */
  readonly lost: LostReadings;
}

export interface SegmentsToFlip {
  readonly dataDir: string;
  readonly topicPrefix: string;
}

/** Topics of which each record has a checksum, and that `verify` reads. */
const flipped = ["readings", "snapshots", "rejected", "damage"] as const;
const valueBytesMin = 24;
const attemptsMax = 20;
/** The newest records may not be in the store yet. */
const newestShare = 0.5;

/**
 * Flips one bit of one record in a segment of a running broker: of the newest records as often as of all. Answers
 * undefined where there is no such record yet.
 */
export async function flipInSegment(
  { dataDir, topicPrefix }: SegmentsToFlip,
  random: () => number,
): Promise<SegmentFlip | undefined> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const name = flipped[Math.floor(random() * flipped.length)] as (typeof flipped)[number];
    const topic = topicPrefix + topics[name];
    const places = (await readdir(dataDir)).filter((one) => one.slice(0, one.lastIndexOf("-")) === topic).sort();
    const place = places[Math.floor(random() * places.length)];
    if (place === undefined) continue;
    const path = join(dataDir, place, `${"0".repeat(20)}.log`);
    const bytes = await readFile(path);
    const records = (await readBatches(bytes, 2n ** 62n)).filter(({ isControlRecord }) => !isControlRecord);
    const isNewest = random() < newestShare;
    const index = isNewest ? records.length - 1 : Math.floor(random() * records.length);
    const { value = null, offset = "" } = records[index] ?? {};
    if (value === null || value.length < valueBytesMin) continue;
    const at = bytes.indexOf(value);
    const lost = lostWith(name, value);
    if (at < 0 || bytes.indexOf(value, at + 1) >= 0 || lost === undefined) continue;
    const bit = Math.floor(random() * value.length * 8);
    const byte = (value[bit >> 3] as number) ^ (1 << (bit & 7));
    const handle = await open(path, "r+");
    await handle.write(Buffer.from([byte]), 0, 1, at + (bit >> 3));
    await handle.close();
    const partition = place.slice(place.lastIndexOf("-") + 1);
    return { where: `${topic} partition ${partition} offset ${offset}`, lost };
  }
  return undefined;
}

/** Undefined where it is damaged already. */
function lostWith(name: (typeof flipped)[number], value: Buffer): LostReadings | undefined {
  if (name === "readings") return readingsOfFrame(value);
  if (name !== "snapshots") return new Map();
  const { snapshot } = readLedgerRecord(value);
  return snapshot === undefined ? undefined : new Map([[snapshot.meterId, "any"]]);
}
