import { jsonExcess } from "@meterbook/intake/decoders/json/json-bounds";

/** A record of the most registers holds 600 entries, three deep. */
const bounds = { depthMax: 8, entriesMax: 10_000 };

/** What a JSON body, or a line of an import, has too much of to be parsed; undefined where it has not. */
export function bodyExcess(text: string): string | undefined {
  return jsonExcess(Buffer.from(text), bounds);
}
