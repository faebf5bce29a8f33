import { hash as digest } from "node:crypto";
import { type Damage, damageAt, damageId, type RecordFault } from "@meterbook/core/domain/damage/damage";
import { canonicalContent } from "@meterbook/core/domain/snapshot/canonical-content";
import { type RevisionKey, revisionPlace } from "@meterbook/core/domain/snapshot/revision-place";
import { periodName, type Snapshot, type SnapshotContent } from "@meterbook/core/domain/snapshot/snapshot";
import { messageOf } from "@meterbook/core/ports/adapter-error";
import { decodeSnapshot } from "@meterbook/core/records/decode-snapshot";
import { encodeSnapshot } from "@meterbook/core/records/encode-snapshot";
import { checkedRecord, checksumBytes, putChecksum } from "@meterbook/core/records/record-checksum";
import type { EntryPlace } from "@meterbook/sharding/ledger-place";
import { placeWords } from "./ledger-row.ts";

/** Where a record of the ledger stands. */
export type LedgerKey = RevisionKey;

/** What a record is: a snapshot, or why it is none that may be shown. */
export type LedgerRecord =
  | { readonly snapshot: Snapshot; readonly code?: undefined }
  | ({ readonly snapshot?: undefined } & RecordFault);

/** A snapshot as a record of the ledger, with its checksum. */
export function encodeLedgerRecord(snapshot: Snapshot): Buffer {
  const record = encodeSnapshot(snapshot, checksumBytes);
  putChecksum(record);
  return record;
}

/** Reads a record and checks its bytes and, where it is given, the key under which it stands; never throws. */
export function readLedgerRecord(body: Uint8Array | null, key?: LedgerKey): LedgerRecord {
  if (body === null) return { code: "records_lost", detail: "the ledger lists the revision and holds no record of it" };
  const bytes = checkedRecord(body);
  if (bytes === undefined) return { code: "checksum_mismatch", detail: "the bytes are not those that were written" };
  try {
    const snapshot = decodeSnapshot(bytes);
    if (key === undefined || isOf(snapshot, key)) return { snapshot };
    return { code: "key_mismatch", detail: `the record is that of ${revisionPlace(snapshot)}` };
  } catch (error) {
    return { code: "record_unreadable", detail: messageOf(error) };
  }
}

/** As docs/snapshot-hash.md has it. */
export function contentHash(content: SnapshotContent): string {
  return `sha256:${digest("sha256", canonicalContent(content), "hex")}`;
}

/** The same, and the content's SHA-256 against the hash that was issued with it: for one meter, and for `verify`. */
export function verifyLedgerRecord(body: Uint8Array | null, key?: LedgerKey): LedgerRecord {
  const record = readLedgerRecord(body, key);
  if (record.snapshot === undefined) return record;
  const detail = wrongContent(record.snapshot);
  return detail === undefined ? record : { code: "hash_mismatch", detail };
}

/** Where the content does not give the hash that it was issued with. */
export function wrongContent(snapshot: Snapshot): string | undefined {
  const found = contentHash(snapshot);
  return found === snapshot.hash ? undefined : `the content's hash is ${found}, issued was ${snapshot.hash}`;
}

function isOf(snapshot: Snapshot, { meterId, period, revision }: LedgerKey): boolean {
  return snapshot.meterId === meterId && snapshot.period === period && snapshot.revision === revision;
}

/** The damage of a record, by the revision where it is known, else by its place in the ledger. */
export function ledgerDamage(
  fault: RecordFault,
  at: { readonly key?: LedgerKey | undefined; readonly place?: EntryPlace },
  foundAtMs: number,
): Damage {
  const { key, place = { shard: 0, sequence: 0 } } = at;
  const where = key === undefined ? placeWords(place) : revisionPlace(key);
  return damageAt("ledger", where, fault, {
    help:
      key === undefined
        ? "nothing else is touched; acknowledge it when its origin is known"
        : `strike it out, and the next revision is issued in its place: POST /v1/damage/${damageId("ledger", where)}/repairs; a backup where the old one is needed`,
    meterId: key?.meterId ?? null,
    period: key === undefined ? null : periodName(key.period),
    foundAtMs,
  });
}
