import type { DamageCode } from "@meterbook/core/domain/damage/damage";
import { entityName } from "@meterbook/core/domain/registry/master-data-change";
import { sealPlace } from "@meterbook/core/domain/seal/seal";
import { type Snapshot, snapshotId } from "@meterbook/core/domain/snapshot/snapshot";
import { checkDamageRecord } from "@meterbook/core/records/damage-record-protobuf";
import { checkFrame } from "@meterbook/core/records/frame-protobuf";
import { checkRegistryChange, type SealedWrite } from "@meterbook/core/records/registry-change-protobuf";
import { checkRejectedRecord } from "@meterbook/core/records/rejected-record-protobuf";
import { checkSeal } from "@meterbook/core/records/seal/seal-protobuf";
import { checkWriterTally } from "@meterbook/core/records/writer-tally-protobuf";
import { partitionOf } from "@meterbook/sharding/slot";
import type { KafkaMessage } from "kafkajs";
import type { IssuedRevisions } from "../../sqlite-views/ledger/issued-revisions.ts";
import { readLedgerRecord, wrongContent } from "../../sqlite-views/ledger/ledger-record.ts";
import { bodyFault } from "../../sqlite-views/registry/registry-table.ts";
import { isSeal, revisionOf } from "../ledger/revision-header.ts";
import { readingsHeader } from "../readings-log/readings-header.ts";
import type { TopicSeals } from "./topic-seals.ts";

/** The topics whose records `verify` reads. */
export const verifiedTopics = ["readings", "snapshots", "registry", "rejected", "damage", "tallies"] as const;
export type VerifiedTopic = (typeof verifiedTopics)[number];

/** What is wrong with a record; `row` is what it is about, where that is known. */
export interface RecordFault {
  readonly row: string | null;
  readonly code: DamageCode;
  readonly detail: string;
}

export type CheckTopicRecord = (record: KafkaMessage, partition: number) => RecordFault | undefined;

export interface CheckContext {
  /** Of the readings, and so of the ledger. */
  readonly partitions: number;
  readonly revisions: IssuedRevisions;
  readonly seals: TopicSeals;
}

const nothing = new Uint8Array();

export const topicChecks: Readonly<Record<VerifiedTopic, (context: CheckContext) => CheckTopicRecord>> = {
  readings: frameCheck,
  snapshots: ledgerCheck,
  registry: () => checkRegistryRecord,
  rejected: () => rejectedCheck,
  damage: () => damageCheck,
  tallies: () => tallyCheck,
};

function frameCheck({ partitions }: CheckContext): CheckTopicRecord {
  return ({ value, headers }, partition) => {
    const { reports, faults } = checkFrame(value ?? nothing);
    const [fault] = faults;
    if (fault !== undefined) return { row: fault.meterId, code: fault.code, detail: fault.detail };
    let readings = 0;
    for (const report of reports) {
      readings += report.readings;
      const { meterId } = report;
      const own = partitionOf(meterId, partitions);
      if (own !== partition) return { row: meterId, code: "key_mismatch", detail: `its partition is ${own}` };
    }
    const counted = headers?.[readingsHeader];
    if (counted === undefined || Number(counted) === readings) return undefined;
    const detail = `its header says ${String(counted)} readings, it holds ${readings}`;
    return { row: null, code: "key_mismatch", detail };
  };
}

function ledgerCheck(context: CheckContext): CheckTopicRecord {
  const { revisions, seals } = context;
  return (message, partition) => {
    const body = message.value ?? nothing;
    if (isSeal(message)) return sealCheck(body, partition, seals);
    const offset = Number(message.offset);
    const revision = revisionOf(message);
    const { snapshot, ...fault } = readLedgerRecord(body, revision);
    // The number of one that cannot be read is taken all the same.
    const counts = snapshot ?? (revision && { ...revision, hash: "", lifecycle: "damaged" });
    const twice = counts && revisions.add(counts, offset);
    if (counts !== undefined && twice === undefined) seals.add(partition, counts.period, body);
    if (snapshot !== undefined) return soundCheck(snapshot, { message, partition, twice }, context);
    const row = revision === undefined ? ownerOf(message) : snapshotId(revision);
    return { row, ...(fault as Omit<RecordFault, "row">) };
  };
}

interface LedgerPlaceFound {
  readonly message: KafkaMessage;
  readonly partition: number;
  /** What stands under the same revision already. */
  readonly twice: string | undefined;
}

/** Of a record that can be read. */
function soundCheck(
  snapshot: Snapshot,
  { message, partition, twice }: LedgerPlaceFound,
  { partitions }: CheckContext,
): RecordFault | undefined {
  const row = snapshotId(snapshot);
  const changed = wrongContent(snapshot);
  if (changed !== undefined) return { row, code: "hash_mismatch", detail: changed };
  const owner = ownerOf(message);
  if (owner !== snapshot.meterId) return { row, code: "key_mismatch", detail: `its key is ${owner}` };
  const own = partitionOf(owner, partitions);
  const detail = twice ?? (own === partition ? undefined : `its partition is ${own}`);
  return detail === undefined ? undefined : { row, code: "key_mismatch", detail };
}

function ownerOf({ key }: KafkaMessage): string | null {
  return key === null ? null : String(key);
}

function sealCheck(body: Uint8Array, partition: number, seals: TopicSeals): RecordFault | undefined {
  const { record, fault } = checkSeal(body);
  if (fault !== undefined) return { row: "seal", ...fault };
  const row = `seal of ${sealPlace(record)}`;
  if (record.shard !== partition) return { row, code: "key_mismatch", detail: `its shard is ${record.shard}` };
  const detail = seals.check(record);
  return detail === undefined ? undefined : { row, code: "seal_mismatch", detail };
}

function checkRegistryRecord({ key, value }: KafkaMessage): RecordFault | undefined {
  if (key === null) return { row: null, code: "key_mismatch", detail: "it has no key, and so no meter" };
  // A meter that was removed from the topic by hand.
  if (value === null) return undefined;
  const { record, fault } = checkRegistryChange(value);
  if (fault !== undefined) return { row: String(key), ...fault };
  for (const { entity, body } of record.writes) {
    const wrong = bodyFault(entity, body);
    if (wrong !== undefined) return { row: entityName(entity), ...wrong };
  }
  const first = entityName((record.writes[0] as SealedWrite).entity);
  if (first === String(key)) return undefined;
  return { row: first, code: "key_mismatch", detail: `its key is ${String(key)}` };
}

function rejectedCheck({ value }: KafkaMessage): RecordFault | undefined {
  const { fault } = checkRejectedRecord(value);
  return fault === undefined ? undefined : { row: null, ...fault };
}

function damageCheck({ key, value }: KafkaMessage): RecordFault | undefined {
  const owner = key === null ? null : String(key);
  const { record, fault } = checkDamageRecord(value);
  if (fault !== undefined) return { row: null, ...fault };
  const id = record.kind === "damage" ? record.damage.id : record.id;
  return id === owner ? undefined : { row: id, code: "key_mismatch", detail: `its key is ${owner}` };
}

function tallyCheck({ key, value }: KafkaMessage): RecordFault | undefined {
  const owner = key === null ? null : String(key);
  const { record, fault } = checkWriterTally(value);
  if (fault !== undefined) return { row: owner, ...fault };
  const { writer } = record;
  return writer === owner ? undefined : { row: writer, code: "key_mismatch", detail: `its key is ${owner}` };
}
