import type { Evidence, RegisterSnapshot, Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { periodName } from "@meterbook/core/domain/snapshot/snapshot";
import type { LedgerEntry, RevisionRecord } from "@meterbook/core/ports/snapshot-ledger";
import { decodeSnapshot } from "@meterbook/core/records/decode-snapshot";
import { MalformedMessage } from "@meterbook/core/records/protobuf-cursor";
import { csvCell } from "../../http/answers/csv-cell.ts";
import type { RowEncoder } from "../../http/answers/row-encoder.ts";
import type { RowWriter } from "../../http/answers/row-writer.ts";
import { rowWriter } from "../../http/answers/row-writer.ts";
import { recordRows } from "./record-csv.ts";

/** The columns of the contract, section 3. */
export const snapshotCsvHeader =
  "meter_id,usage_point_id,period,revision,lifecycle,boundary,issued_at,reason,hash,register,unit,value,opening,consumption,quality,method,origin,read_at,before_at,before_value,after_at,after_value,opening_at,opening_basis,fault,carried,from,to,estimate_low,estimate_high\n";

export function snapshotCsvEncoder(): RowEncoder<Pick<LedgerEntry, "snapshot">> {
  const writer = rowWriter();
  writer.put(snapshotCsvHeader);
  return {
    add: ({ snapshot }) => writeSnapshotRows(writer, snapshot),
    get length() {
      return writer.length;
    },
    take: () => writer.take(),
  };
}

/**
 * The same from records. One that cannot be read as a snapshot, or that is not the one of its key, has no row, and is
 * told.
 *
 * @param header empty where the rows are not the first of a file
 */
export function recordCsvEncoder(
  unreadable: (entry: RevisionRecord) => void,
  header: string = snapshotCsvHeader,
): RowEncoder<RevisionRecord> {
  const writer = rowWriter();
  writer.put(header);
  const copyRows = recordRows(writer);

  function decoded({ meterId, period, revision, record }: RevisionRecord): Snapshot | undefined {
    const snapshot = decodeSnapshot(record);
    const isItsOwn = snapshot.meterId === meterId && snapshot.period === period && snapshot.revision === revision;
    return isItsOwn ? snapshot : undefined;
  }

  function add(entry: RevisionRecord): void {
    const start = writer.length;
    try {
      if (copyRows(entry)) return;
      writer.cut(start);
      const snapshot = decoded(entry);
      if (snapshot === undefined) unreadable(entry);
      else writeSnapshotRows(writer, snapshot);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      writer.cut(start);
      unreadable(entry);
    }
  }

  return {
    add,
    get length() {
      return writer.length;
    },
    take: () => writer.take(),
  };
}

/** One line per row of a snapshot. The cells that they share are made once and copied. */
function writeSnapshotRows(writer: RowWriter, snapshot: Snapshot): void {
  let start = writer.length;
  let end = start;
  for (const row of snapshot.registers) {
    if (row.usagePointId !== null) {
      // A row of another place: what is written next is not copied from it.
      writeShared(writer, { ...snapshot, usagePointId: row.usagePointId });
      [start, end] = [writer.length, writer.length];
    } else if (end > start) {
      const again = writer.length;
      writer.again(start, end);
      [start, end] = [again, writer.length];
    } else {
      start = writer.length;
      writeShared(writer, snapshot);
      end = writer.length;
    }
    writeRegister(writer, row);
    writer.endRow();
  }
}

function writeShared(writer: RowWriter, snapshot: Snapshot): void {
  writer.text(snapshot.meterId);
  writer.text(snapshot.usagePointId);
  writer.text(periodName(snapshot.period));
  writer.amount(snapshot.revision);
  writer.text(snapshot.lifecycle);
  writer.instant(snapshot.boundary);
  writer.instantMs(snapshot.issuedAtMs);
  writer.text(csvCell(snapshot.reason));
  writer.text(snapshot.hash);
}

function writeRegister(writer: RowWriter, row: RegisterSnapshot): void {
  writer.text(row.register);
  writer.text(row.unit);
  writer.amount(row.value);
  writer.amount(row.opening);
  writer.amount(row.consumption);
  writer.text(row.quality);
  writer.text(row.method);
  writer.text(row.origin ?? "");
  writer.instant(row.readAt);
  writeEvidence(writer, row.before);
  writeEvidence(writer, row.after);
  writer.instant(row.openingAt);
  writer.text(row.openingBasis ?? "");
  writer.text(row.fault ?? "");
  writer.amount(row.carried);
  writer.instant(row.from);
  writer.instant(row.to);
  writer.amount(row.estimate === null ? null : row.estimate.low);
  writer.amount(row.estimate === null ? null : row.estimate.high);
}

function writeEvidence(writer: RowWriter, evidence: Evidence | null): void {
  writer.instant(evidence === null ? null : evidence.at);
  writer.amount(evidence === null ? null : evidence.value);
}
