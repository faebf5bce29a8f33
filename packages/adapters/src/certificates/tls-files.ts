import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { messageOf } from "@meterbook/core/ports/adapter-error";
import { type PemBlock, pemBlocks } from "./pem-blocks.ts";
import { parseRevocationList, type RevocationList } from "./revocation-list.ts";

/** PEM files. */
export interface TlsFiles {
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly crlFile?: string | undefined;
}

/** As node:tls takes it. */
export interface Pem {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** One list each: of several in one text node:tls takes the first alone. */
  readonly crl?: string[];
}

/** As a setting's name ends that names the file. */
export type TlsRole = "CERT_FILE" | "CA_FILE" | "CRL_FILE";

/** A certificate or a revocation list, and when it holds. */
export interface DatedDocument {
  readonly role: TlsRole;
  /** `the certificate of CN=m-1`, `the revocation list of CN=meters` */
  readonly name: string;
  readonly fromMs: number;
  /** Null where it has no end. */
  readonly toMs: number | null;
}

/** An authority and what it has taken back. */
export interface Authority {
  readonly certificate: X509Certificate;
  readonly list: RevocationList | undefined;
}

export interface TlsContent {
  readonly pem: Pem;
  readonly documents: readonly DatedDocument[];
  readonly authorities: readonly Authority[];
  /** What is wrong with them, although they can be used. */
  readonly remarks: readonly string[];
}

const fileBytesMax = 32 * 1024 * 1024;

/**
 * Reads the files and checks that they are whole. Some faults that node:tls ignores are errors here: a block that is
 * cut off, a revocation list of another authority.
 *
 * @throws Error that names the file.
 */
export function readTlsFiles({ certFile, keyFile, caFile, crlFile }: TlsFiles): TlsContent {
  const cert = read(certFile, certificateOf, "CERTIFICATE");
  const key = read(keyFile, ({ label }) => label, undefined);
  const ca = read(caFile, certificateOf, "CERTIFICATE");
  const crl = read(crlFile, listOf, "X509 CRL");
  const authorities = (ca?.parts ?? []).map((certificate) => ({
    certificate,
    list: newestOf(crl?.parts.map(({ list }) => list) ?? [], certificate),
  }));
  return {
    pem: {
      ...(ca === undefined ? {} : { ca: ca.text }),
      ...(cert === undefined ? {} : { cert: cert.text }),
      ...(key === undefined ? {} : { key: key.text }),
      ...(crl === undefined ? {} : { crl: crl.parts.map(({ text }) => text) }),
    },
    documents: [
      ...(cert?.parts ?? []).map((one) => dated("CERT_FILE", one)),
      ...authorities.flatMap(({ certificate, list }) => [
        dated("CA_FILE", certificate),
        ...(list === undefined ? [] : [datedList(certificate, list)]),
      ]),
    ],
    authorities,
    remarks: crlFile === undefined ? [] : withoutList(crlFile, authorities),
  };
}

export function namesOfTlsFiles(files: TlsFiles): string[] {
  return [files.certFile, files.keyFile, files.caFile, files.crlFile].filter((file) => file !== undefined);
}

/**
 * @throws Error if an authority's list is older than the one in use: a certificate that only the newer list names would
 * be accepted again.
 */
export function refuseOlderLists(before: TlsContent, after: TlsContent, crlFile = ""): void {
  for (const { certificate, list } of after.authorities) {
    const known = before.authorities.find((one) => one.certificate.fingerprint256 === certificate.fingerprint256)?.list;
    if (known !== undefined && list !== undefined && list.fromMs < known.fromMs)
      throw new Error(`${crlFile}: the revocation list of ${nameOf(certificate)} is older than the one in use`);
  }
}

/** `CN=meters`, and what else is in the name. */
export function nameOf({ subject }: X509Certificate): string {
  return (subject ?? "").replaceAll("\n", ", ");
}

interface FileParts<Part> {
  readonly text: string;
  readonly parts: readonly Part[];
}

function read<Part>(
  file: string | undefined,
  partOf: (block: PemBlock) => Part,
  label: string | undefined,
): FileParts<Part> | undefined {
  if (file === undefined) return undefined;
  try {
    const { size } = statSync(file);
    if (size > fileBytesMax) throw new Error(`has ${size} bytes, and may have ${fileBytesMax}`);
    const text = readFileSync(file, "utf8");
    const blocks = pemBlocks(text).filter((block) => label === undefined || block.label === label);
    if (blocks.length === 0) throw new Error(`there is no ${label ?? "block of PEM"} in it`);
    return { text, parts: blocks.map(partOf) };
  } catch (cause) {
    throw new Error(`${file}: ${messageOf(cause)}`, { cause });
  }
}

function certificateOf({ der }: PemBlock): X509Certificate {
  return new X509Certificate(der);
}

function listOf({ der, text }: PemBlock): { readonly list: RevocationList; readonly text: string } {
  return { list: parseRevocationList(der), text };
}

/** What is signed in a way that we do not know may be its. */
function newestOf(lists: readonly RevocationList[], { publicKey }: X509Certificate): RevocationList | undefined {
  const its = lists.filter((list) => list.isSignedBy(publicKey) !== false);
  return its.sort((a, b) => b.fromMs - a.fromMs)[0];
}

function withoutList(crlFile: string, authorities: readonly Authority[]): string[] {
  const bare = authorities.filter(({ list }) => list === undefined).map(({ certificate }) => nameOf(certificate));
  const said = `${crlFile}: there is no list of ${bare.join("; ")} in it`;
  if (bare.length === authorities.length) throw new Error(said);
  return bare.length === 0 ? [] : [`${said}: certificates of it are refused`];
}

function dated(role: TlsRole, certificate: X509Certificate): DatedDocument {
  const { validFrom, validTo } = certificate;
  const name = `the certificate of ${nameOf(certificate)}`;
  return { role, name, fromMs: Date.parse(validFrom), toMs: Date.parse(validTo) };
}

function datedList(certificate: X509Certificate, { fromMs, toMs }: RevocationList): DatedDocument {
  return { role: "CRL_FILE", name: `the revocation list of ${nameOf(certificate)}`, fromMs, toMs };
}
