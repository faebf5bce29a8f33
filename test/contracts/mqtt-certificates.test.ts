// Goal: H15, certificates and revocation lists are watched. A renewed file counts at once, for connected clients too. A
// file that cannot be used is told, and the one from before stays.
// Method: a real endpoint whose files are changed under it.
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TlsFiles } from "@meterbook/adapters/certificates/tls-files";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { type Made, makeAuthority, makeCertificate, makeRevocationList } from "../support/network/made-certificates.ts";
import { quietEndpoint } from "../support/network/quiet-endpoint.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

let [ours, others]: Made[] = [];
let server: Made;
let [first, second]: Made[] = [];
beforeAll(async () => {
  [ours, others] = await Promise.all([makeAuthority("ours"), makeAuthority("others")]);
  server = await makeCertificate("endpoint", ours as Made);
  [first, second] = await Promise.all(["m-1", "m-2"].map((name) => makeCertificate(name, ours as Made)));
}, 60_000);

async function endpoint(how: { tls?: TlsFiles; identitiesFile?: string }) {
  const failed: string[] = [];
  const taken = vi.fn();
  const events = { filesFailed: ({ error }: { error: unknown }) => void failed.push(String(error)), filesTaken: taken };
  const opened = await quietEndpoint({ ...how, events }, async () => undefined);
  return { ...opened, failed, taken };
}

async function mutual(list?: string) {
  const directory = await temporaryDirectory();
  const file = (name: string) => join(directory, name);
  await writeFile(file("cert"), server.cert);
  await writeFile(file("key"), server.private);
  await writeFile(file("ca"), ours?.cert ?? "");
  await writeFile(file("crl"), list ?? (await listOf([])));
  return { certFile: file("cert"), keyFile: file("key"), caFile: file("ca"), crlFile: file("crl") };
}

const listOf = (revoked: readonly (Made | undefined)[], times: Parameters<typeof makeRevocationList>[2] = {}) =>
  makeRevocationList(ours as Made, revoked as Made[], times);

async function client(address: string, over: IClientOptions | Made | undefined): Promise<MqttClient> {
  const how = over !== undefined && "private" in over ? { ca: ours?.cert, cert: over.cert, key: over.private } : over;
  const scheme = how !== undefined && "cert" in how ? "mqtts" : "mqtt";
  const options = { reconnectPeriod: 0, connectTimeout: 10_000, ...(how as IClientOptions) };
  const opened = await connectAsync(`${scheme}://${address}`, options, false);
  onTestFinished(() => opened.endAsync(true));
  return opened;
}

async function publish(one: MqttClient): Promise<void> {
  await one.publishAsync("meters/m-1/readings", "x", { qos: 1 });
}

describe("the revocation list", () => {
  test("H15: who is taken back while connected is sent away, and the others stay", async () => {
    const tls = await mutual();
    const { address, closed } = await endpoint({ tls });
    const [gone, stays] = await Promise.all([client(address, first), client(address, second)]);
    await writeFile(tls.crlFile, await listOf([first], { fromSeconds: -30 }));
    await vi.waitFor(() => expect(closed).toEqual(["certificate_revoked"]), { timeout: 30_000 });
    await vi.waitFor(() => expect(gone.connected).toBe(false));
    await publish(stays);
    await expect(client(address, first)).rejects.toThrow();
  });

  test("H15: each list of the file counts, also that of a second authority", async () => {
    const tls = await mutual();
    const strangers = await makeCertificate("m-3", others as Made);
    await writeFile(tls.caFile, `${ours?.cert}\n${others?.cert}`);
    await writeFile(
      tls.crlFile as string,
      `${await listOf([])}\n${await makeRevocationList(others as Made, [strangers])}`,
    );
    const { address, refused } = await endpoint({ tls });
    await publish(await client(address, first));
    await expect(client(address, strangers)).rejects.toThrow();
    await vi.waitFor(() => expect(refused).toEqual(["certificate_revoked"]));
  });

  test("H15: of one that has ended everybody is refused by that name, and its follower is taken without a restart", async () => {
    const tls = await mutual(await listOf([], { fromSeconds: -120, toSeconds: -60 }));
    const { address, refused } = await endpoint({ tls });
    await expect(client(address, first)).rejects.toThrow();
    await vi.waitFor(() => expect(refused).toEqual(["revocation_list_ended"]));
    await writeFile(tls.crlFile, await listOf([second]));
    await vi.waitFor(async () => publish(await client(address, first)), { timeout: 30_000 });
  });

  test.for<readonly [string, () => Promise<string>, RegExp]>([
    ["half written", async () => (await listOf([first])).slice(0, 300), /half written/],
    ["empty", async () => "", /no X509 CRL/],
    ["of another authority", async () => makeRevocationList(others as Made, []), /no list of CN=ours/],
    ["older than the one in use", async () => listOf([], { fromSeconds: -3600 }), /older than the one in use/],
  ])("H15: a list that is %s is told, and the one before stays", async ([, made, why]) => {
    const tls = await mutual(await listOf([first]));
    const { address, refused, failed, closed } = await endpoint({ tls });
    const connected = await client(address, second);
    await writeFile(tls.crlFile, await made());
    await vi.waitFor(() => expect(failed.at(-1)).toMatch(why), { timeout: 30_000 });
    expect(failed.at(-1)).toContain(tls.crlFile.split("/").at(-1));
    await expect(client(address, first)).rejects.toThrow();
    await vi.waitFor(() => expect(refused).toEqual(["certificate_revoked"]));
    await publish(connected);
    await publish(await client(address, second));
    await writeFile(tls.crlFile, await listOf([second], { fromSeconds: -10 }));
    await vi.waitFor(() => expect(closed).toContain("certificate_revoked"), { timeout: 30_000 });
    await publish(await client(address, first));
  });
});

describe("other files", () => {
  test("H15: an authority that is one no more takes its meters with it", async () => {
    const { crlFile: _, ...tls } = await mutual();
    const stranger = await makeCertificate("m-3", others as Made);
    await writeFile(tls.caFile, `${ours?.cert}\n${others?.cert}`);
    const { address, closed } = await endpoint({ tls });
    const [stays] = await Promise.all([client(address, first), client(address, stranger)]);
    await writeFile(tls.caFile, ours?.cert ?? "");
    await vi.waitFor(() => expect(closed).toEqual(["certificate_refused"]), { timeout: 30_000 });
    await publish(stays);
  });

  test("H15: an authorities' file that is cut off within the second one is not taken for one of the first alone", async () => {
    const { crlFile: _, ...tls } = await mutual();
    const stranger = await makeCertificate("m-3", others as Made);
    await writeFile(tls.caFile, `${ours?.cert}\n${others?.cert}`);
    const { address, failed } = await endpoint({ tls });
    await writeFile(tls.caFile, `${ours?.cert}\n${others?.cert.slice(0, 200)}`);
    await vi.waitFor(() => expect(failed.at(-1)).toMatch(/half written/), { timeout: 30_000 });
    await publish(await client(address, stranger));
  });

  test("H15: what is in use is told, at the start and when it is renewed", async () => {
    const tls = await mutual();
    const { taken } = await endpoint({ tls });
    const roles = (): unknown =>
      taken.mock.calls.at(-1)?.[0].content.documents.map(({ role }: { role: string }) => role);
    expect(roles()).toEqual(["CERT_FILE", "CA_FILE", "CRL_FILE"]);
    const count = taken.mock.calls.length;
    await writeFile(tls.crlFile, await listOf([first]));
    await vi.waitFor(() => expect(taken.mock.calls.length).toBeGreaterThan(count), { timeout: 30_000 });
  });

  test("H15: a name that is struck off, or has another secret, is sent away; the others stay", async () => {
    const directory = await temporaryDirectory();
    const identitiesFile = join(directory, "identities");
    const sha256 = (secret: string) => createHash("sha256").update(secret).digest("hex");
    const lines = (...list: readonly (readonly [string, string])[]) =>
      list.map(([name, secret]) => JSON.stringify({ name, sha256: sha256(secret) })).join("\n");
    await writeFile(identitiesFile, lines(["m-1", "a"], ["m-2", "b"], ["m-3", "c"]));
    const { address, closed } = await endpoint({ identitiesFile });
    const [stays] = await Promise.all(
      ["m-1 a", "m-2 b", "m-3 c"].map((said) => {
        const [username, password] = said.split(" ") as [string, string];
        return client(address, { username, password });
      }),
    );
    await writeFile(identitiesFile, lines(["m-1", "a"], ["m-2", "another"]));
    await vi.waitFor(() => expect(closed).toEqual(["identity_changed", "identity_changed"]), { timeout: 30_000 });
    await stays?.publishAsync("meters/m-1/readings", "x", { qos: 1 });
  });
});
