import { cursorOver, readText, readUnsigned, skipField } from "@meterbook/core/records/protobuf-cursor";

/** Field 8 of a MeterReport. It counts only where an operator is the origin: a meter may write there what it likes. */
const noteTag = 0x42;

/** What was said with a report that an operator has made; empty where nothing was. */
export function noteOfReport(report: Uint8Array): string {
  const cursor = cursorOver(report);
  while (cursor.at < report.length) {
    const tag = readUnsigned(cursor);
    if (tag === noteTag) return readText(cursor);
    skipField(cursor, tag, 0);
  }
  return "";
}
