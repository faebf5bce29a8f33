import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { Registry } from "@meterbook/core/ports/registry";
import { foldedSerial, type ReadRecord, type RecordRows, reversedName } from "./registry-table.ts";

/** Meters by what stands on them: the beginning of a serial number, the end of it or of an id. */
export function labelReads(rows: RecordRows, read: ReadRecord): Pick<Registry, "metersBySerial" | "metersByEnding"> {
  /** The records of meters that an index names, which may be called otherwise by now. */
  function named(ids: Iterable<string>, limit: number, isCalledSo: (record: MeterRecord) => boolean): MeterRecord[] {
    const found = new Map<string, MeterRecord>();
    for (const id of ids) {
      if (found.size >= limit) break;
      const row = rows.newest({ kind: "meter", id });
      const record = row === undefined ? undefined : read.meter(row);
      if (record && isCalledSo(record)) found.set(id, record);
    }
    return [...found.values()];
  }

  return {
    async metersBySerial({ prefix, limit }) {
      const folded = foldedSerial(prefix);
      const isLabelled = ({ serialNumber }: MeterRecord) =>
        serialNumber !== undefined && foldedSerial(serialNumber).startsWith(folded);
      return named(rows.withSerial(folded), limit, isLabelled);
    },
    async metersByEnding({ ending, limit }) {
      const folded = foldedSerial(ending);
      const endsSo = ({ meterId, serialNumber = "" }: MeterRecord) =>
        [meterId, serialNumber].some((name) => foldedSerial(name).endsWith(folded));
      return named(rows.withEnding(reversedName(ending)), limit, endsSo);
    },
  };
}
