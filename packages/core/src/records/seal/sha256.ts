import { hash } from "node:crypto";

/** As the Merkle trees of the domain want it. */

export function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}
