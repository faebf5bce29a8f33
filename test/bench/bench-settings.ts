const passedOn = ["METERBOOK_SHARDS", "NODE_OPTIONS"];

/** Of the bench's own environment, into which `--shards 4` goes too, for the process that is measured. */
export function benchSettings(): Record<string, string> {
  return Object.fromEntries(
    passedOn.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
