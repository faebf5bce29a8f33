import type { Evidence, RegisterSnapshot, Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { periodName } from "@meterbook/core/domain/snapshot/snapshot";
import type { LedgerEntry } from "@meterbook/core/ports/snapshot-ledger";
import { csvCell } from "../http/answers/csv-cell.ts";
import type { RowEncoder } from "../http/answers/row-encoder.ts";
import type { RowWriter } from "../http/answers/row-writer.ts";
import { rowWriter } from "../http/answers/row-writer.ts";

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

/** One row per register of a snapshot. The cells that they share are made once and copied. */
function writeSnapshotRows(writer: RowWriter, snapshot: Snapshot): void {
  let start = writer.length;
  let end = start;
  for (const row of snapshot.registers) {
    if (end > start) {
      const again = writer.length;
      writer.again(start, end);
      [start, end] = [again, writer.length];
    } else {
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
