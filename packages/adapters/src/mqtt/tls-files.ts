import { readFileSync } from "node:fs";

/** PEM files. */
export interface TlsFiles {
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly crlFile?: string | undefined;
}

export interface Pem {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly crl?: Buffer;
}

/** Throws where a file cannot be read. */
export function readTlsFiles({ certFile, keyFile, caFile, crlFile }: TlsFiles): Pem {
  return {
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
    ...(certFile === undefined ? {} : { cert: readFileSync(certFile) }),
    ...(keyFile === undefined ? {} : { key: readFileSync(keyFile) }),
    ...(crlFile === undefined ? {} : { crl: readFileSync(crlFile) }),
  };
}

export function namesOfTlsFiles(files: TlsFiles): string[] {
  return [files.certFile, files.keyFile, files.caFile, files.crlFile].filter((file) => file !== undefined);
}
