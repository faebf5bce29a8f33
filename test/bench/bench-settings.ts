/** Of the bench's own environment, for the process that is measured: `METERBOOK_SHARDS=4 npm run bench -- close`. */
export function benchSettings(): Record<string, string> {
  const shards = process.env["METERBOOK_SHARDS"];
  return shards === undefined ? {} : { METERBOOK_SHARDS: shards };
}
