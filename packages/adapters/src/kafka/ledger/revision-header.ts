import type { Seal } from "@meterbook/core/domain/seal/seal";
import { type RevisionKey, revisionAt, revisionPlace } from "@meterbook/core/domain/snapshot/revision-place";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { encodeSeal } from "@meterbook/core/records/seal/seal-protobuf";
import type { KafkaMessage, Message } from "kafkajs";
import { encodeLedgerRecord } from "../../sqlite-views/ledger/ledger-record.ts";

/** Which revision a record of the ledger is, beside its bytes: where those are damaged, its number is still taken. */
const revisionHeader = "revision";

/** A record of a shard, which is a partition of the topic. */
export function ledgerMessage(snapshot: Snapshot, partition: number): Message {
  const headers = { [revisionHeader]: revisionPlace(snapshot) };
  return { key: snapshot.meterId, value: encodeLedgerRecord(snapshot), partition, headers };
}

const kindHeader = "kind";
const sealKind = "seal";

/** It has no key: it is no meter's. */
export function sealMessage(seal: Seal): Message {
  return { key: null, value: encodeSeal(seal), partition: seal.shard, headers: { [kindHeader]: sealKind } };
}

export function isSeal({ headers }: KafkaMessage): boolean {
  return String(headers?.[kindHeader] ?? "") === sealKind;
}

/** Undefined where somebody else has written it. */
export function revisionOf({ headers }: KafkaMessage): RevisionKey | undefined {
  const given = headers?.[revisionHeader];
  return given === undefined ? undefined : revisionAt(String(given));
}
