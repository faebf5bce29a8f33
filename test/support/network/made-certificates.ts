import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { generate } from "selfsigned";

export type Made = Awaited<ReturnType<typeof generate>>;

const options = { algorithm: "sha256", keySize: 2048 } as const;

export async function makeAuthority(name: string, over: object = {}): Promise<Made> {
  return generate([{ name: "commonName", value: name }], {
    ...options,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true },
    ],
    ...over,
  });
}

export async function makeCertificate(commonName: string, by: Made, over: object = {}): Promise<Made> {
  return generate([{ name: "commonName", value: commonName }], {
    ...options,
    ca: { key: by.private, cert: by.cert },
    extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }],
    ...over,
  });
}

const secondMs = 1000;

/**
 * The authority's list of revoked certificates, as PEM, by openssl. Both times are from now; thirty days if not given.
 */
export async function makeRevocationList(
  by: Made,
  revoked: readonly Made[],
  { fromSeconds = -60, toSeconds = 30 * 86_400 }: { fromSeconds?: number; toSeconds?: number } = {},
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "meterbook-crl-"));
  const file = (name: string) => join(directory, name);
  const conf = `[ca]\ndefault_ca = ours\n[ours]\ndatabase = ${file("index")}\ncrlnumber = ${file("number")}\ndefault_md = sha256\n`;
  await writeFile(file("authority"), by.cert);
  await writeFile(file("key"), by.private);
  await writeFile(file("index"), "");
  await writeFile(file("number"), "01");
  await writeFile(file("conf"), conf);
  const run = (args: readonly string[]) => promisify(execFile)("openssl", ["ca", "-config", file("conf"), ...args]);
  const common = ["-cert", file("authority"), "-keyfile", file("key")];
  for (const one of revoked) {
    await writeFile(file("gone"), one.cert);
    await run([...common, "-revoke", file("gone")]);
  }
  const times = ["-crl_lastupdate", utcTime(fromSeconds), "-crl_nextupdate", utcTime(toSeconds)];
  await run([...common, "-gencrl", ...times, "-out", file("crl")]);
  const list = await readFile(file("crl"), "utf8");
  await rm(directory, { recursive: true });
  return list;
}

function utcTime(fromNowSeconds: number): string {
  const text = new Date(Date.now() + fromNowSeconds * secondMs).toISOString();
  return `${text.slice(0, 19).replace(/[-:T]/g, "")}Z`;
}
