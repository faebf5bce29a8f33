/** The same bytes with one bit turned, in the middle of them. */
export function flippedBit(bytes: Uint8Array): Buffer {
  const flipped = Buffer.from(bytes);
  const at = flipped.length >> 1;
  flipped[at] = (flipped[at] as number) ^ 4;
  return flipped;
}
