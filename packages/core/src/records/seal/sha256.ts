import { hash } from "node:crypto";

/** As the Merkle trees of the domain want it. */

export function sha256(bytes: Uint8Array): Uint8Array {
  // By way of a text, which is made in a third of the time of a buffer.
  return Buffer.from(hash("sha256", bytes, "binary"), "binary");
}
