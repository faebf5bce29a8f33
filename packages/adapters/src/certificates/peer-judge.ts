import type { X509Certificate } from "node:crypto";
import { serialOf } from "./revocation-list.ts";
import type { TlsContent } from "./tls-files.ts";

/**
 * Whether a certificate that was once good would be refused now, because it is revoked or its authority is no longer
 * trusted.
 */
export type PeerJudge = (certificate: X509Certificate) => "good" | "revoked" | "authority gone";

/** @param before what was in use when certificates were last judged */
export function peerJudge(now: TlsContent, before: TlsContent = now): PeerJudge {
  const lists = now.authorities.map(({ certificate, list }) => ({ name: certificate.subject, serials: list?.serials }));
  const names = new Set(lists.map(({ name }) => name));
  const gone = new Set(
    before.authorities.map(({ certificate }) => certificate.subject).filter((one) => !names.has(one)),
  );
  return ({ issuer, serialNumber }) => {
    const serial = serialOf(serialNumber);
    if (lists.some(({ name, serials }) => name === issuer && serials?.has(serial))) return "revoked";
    return gone.has(issuer) ? "authority gone" : "good";
  };
}
