/** Field 2 of a MeterReport, which a report that intake has accepted begins with where it is numbered. */
const sequenceTag = 0x10;
/** Of a varint of 53 bits. */
const bytesMax = 8;

/** The number that a meter gave an accepted report; 0 where it gave none. Nothing else of the report is read. */
export function sequenceOfReport(report: Uint8Array): number {
  if (report[0] !== sequenceTag) return 0;
  let [number, unit] = [0, 1];
  for (let i = 1; i <= bytesMax && i < report.length; i += 1) {
    const byte = report[i] as number;
    number += (byte & 127) * unit;
    if (byte < 128) return Number.isSafeInteger(number) ? number : 0;
    unit *= 128;
  }
  return 0;
}
