export interface PemBlock {
  /** `CERTIFICATE`, `X509 CRL`, … */
  readonly label: string;
  /** With its first and last line. */
  readonly text: string;
  readonly der: Buffer;
}

const begin = "-----BEGIN ";
const dashes = "-----";

/**
 * The blocks of a PEM file; what stands between them is passed over.
 *
 * @throws Error where a block has no end: the file is half written, and a reader that took the rest would miss it.
 */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  for (let at = text.indexOf(begin); at !== -1; ) {
    const labelEnd = text.indexOf(dashes, at + begin.length);
    const label = labelEnd === -1 ? "" : text.slice(at + begin.length, labelEnd);
    const last = `-----END ${label}-----`;
    const bodyEnd = labelEnd === -1 ? -1 : text.indexOf(last, labelEnd);
    const next = text.indexOf(begin, at + begin.length);
    if (bodyEnd === -1 || (next !== -1 && next < bodyEnd))
      throw new Error("ends within a PEM block: is it half written?");
    const end = bodyEnd + last.length;
    const der = Buffer.from(text.slice(labelEnd + dashes.length, bodyEnd), "base64");
    blocks.push({ label, text: `${text.slice(at, end)}\n`, der });
    at = next;
  }
  return blocks;
}
