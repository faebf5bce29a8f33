// Goal: who a client is comes from its certificate or its secret, and nothing else lets it in. Method: a real endpoint
// and real certificates made here, one case for each way of being wrong.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { join } from "node:path";
import { connect } from "node:tls";
import type { TlsFiles } from "@meterbook/adapters/certificates/tls-files";
import type { MeterMessage } from "@meterbook/core/ports/meter-endpoint";
import { connectAsync, type IClientOptions } from "mqtt";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { type Made, makeAuthority, makeCertificate, makeRevocationList } from "../support/network/made-certificates.ts";
import { quietEndpoint } from "../support/network/quiet-endpoint.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const dayMs = 86_400_000;

let ours: Made;
let others: Made;
let server: Made;
beforeAll(async () => {
  [ours, others] = await Promise.all([makeAuthority("ours"), makeAuthority("others")]);
  server = await makeCertificate("endpoint", ours);
}, 30_000);

interface How {
  readonly tls?: TlsFiles;
  readonly identities?: readonly object[];
  readonly connectTimeoutMs?: number;
}

async function endpoint({ tls, identities, ...limits }: How, directory: string) {
  const taken: MeterMessage[] = [];
  const filesFailed = vi.fn();
  const identitiesFile = identities === undefined ? undefined : join(directory, "identities");
  if (identitiesFile !== undefined)
    await writeFile(identitiesFile, (identities ?? []).map((one) => JSON.stringify(one)).join("\n"));
  const opened = await quietEndpoint(
    { tls, identitiesFile, events: { filesFailed }, ...limits },
    async (message) => void taken.push({ ...message, payload: Buffer.from(message.payload) }),
  );
  return { ...opened, taken, filesFailed, identitiesFile };
}

async function secured(directory: string, mutual: "mutual" | "server only"): Promise<TlsFiles> {
  const files = { certFile: join(directory, "cert"), keyFile: join(directory, "key"), caFile: join(directory, "ca") };
  await writeFile(files.certFile, server.cert);
  await writeFile(files.keyFile, server.private);
  await writeFile(files.caFile, ours.cert);
  return mutual === "mutual" ? files : { certFile: files.certFile, keyFile: files.keyFile };
}

async function client(address: string, over: IClientOptions = {}) {
  const scheme = over.cert === undefined && over.ca === undefined ? "mqtt" : "mqtts";
  const opened = await connectAsync(
    `${scheme}://${address}`,
    { reconnectPeriod: 0, connectTimeout: 10_000, ...over },
    false,
  );
  onTestFinished(() => opened.endAsync(true));
  return opened;
}

const shown = (made: Made): IClientOptions => ({ ca: ours.cert, cert: made.cert, key: made.private });

describe("with a server certificate", () => {
  test("what is published over TLS is taken and acknowledged, and plain MQTT is not spoken to", async () => {
    const directory = await temporaryDirectory();
    const { address, taken, refused } = await endpoint({ tls: await secured(directory, "server only") }, directory);
    await (await client(address, { ca: ours.cert })).publishAsync("meters/m-1/readings", "x", { qos: 1 });
    expect(taken.map(({ sender }) => sender)).toEqual([undefined]);
    await expect(client(address)).rejects.toThrow();
    await vi.waitFor(() => expect(refused).toEqual(["tls_failed"]));
  });

  test("a renewed certificate is shown to those who come after, and one that cannot be used is told", async () => {
    const directory = await temporaryDirectory();
    const tls = await secured(directory, "server only");
    const { address, filesFailed } = await endpoint({ tls }, directory);
    const early = await client(address, { ca: ours.cert });
    const renewed = await makeCertificate("renewed", ours);
    await writeFile(tls.certFile as string, "nonsense");
    await vi.waitFor(() => expect(filesFailed).toHaveBeenCalled());
    await writeFile(tls.keyFile as string, renewed.private);
    await writeFile(tls.certFile as string, renewed.cert);
    await vi.waitFor(async () => expect(await nameShown(address)).toBe("renewed"), { timeout: 30_000 });
    await early.publishAsync("meters/m-1/readings", "x", { qos: 1 });
  });
});

/** A handshake and nothing more; the session is what a client could resume. */
async function handshake(address: string, how: object): Promise<{ session: Buffer | undefined; isResumed: boolean }> {
  const [host = "", port] = address.split(":");
  const socket = connect({ host, port: Number(port), ...how });
  let session: Buffer | undefined;
  let isResumed = false;
  socket.on("session", (given) => {
    session = given;
    socket.destroy();
  });
  socket.on("secureConnect", () => {
    isResumed = socket.isSessionReused();
    // With TLS 1.3 the ticket comes after it.
    setTimeout(() => socket.destroy(), 200);
  });
  socket.on("error", () => undefined);
  await once(socket, "close");
  return { session, isResumed };
}

async function nameShown(address: string): Promise<unknown> {
  const [host = "", port] = address.split(":");
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const socket = connect({ host, port: Number(port), ca: ours.cert }, () => {
    resolve(socket.getPeerCertificate().subject.CN);
    socket.destroy();
  });
  socket.on("error", reject);
  return promise;
}

describe("with an authority for meters", () => {
  test("the certificate's name is the meter, and a concentrator of the list speaks for its meters", async () => {
    const directory = await temporaryDirectory();
    const identities = [{ name: "conc-1", meters: ["m-1*", "x-7"] }];
    const { address, taken } = await endpoint({ tls: await secured(directory, "mutual"), identities }, directory);
    const [meter, concentrator] = await Promise.all(["m-1", "conc-1"].map((name) => makeCertificate(name, ours)));
    for (const made of [meter, concentrator] as Made[])
      await (await client(address, shown(made))).publishAsync("meters/m-1/readings", "x", { qos: 1 });
    const [one, both] = taken.map(({ sender }) => sender);
    expect(["m-1", "m-10", "x-7", "conc-1"].filter((id) => one?.speaksFor(id))).toEqual(["m-1"]);
    expect(["m-1", "m-10", "x-7", "conc-1"].filter((id) => both?.speaksFor(id))).toEqual(["m-1", "m-10", "x-7"]);
  });

  test.for([
    ["certificate_missing", async () => ({ ca: ours.cert })],
    ["certificate_refused", async () => shown(await makeCertificate("m-1", others))],
    [
      "certificate_expired",
      async () => {
        const notBeforeDate = new Date(Date.now() - 3 * dayMs);
        return shown(await makeCertificate("m-1", ours, { notBeforeDate, notAfterDate: new Date(Date.now() - dayMs) }));
      },
    ],
  ] as const)("%s: the handshake fails", async ([reason, how]) => {
    const directory = await temporaryDirectory();
    const { address, refused } = await endpoint({ tls: await secured(directory, "mutual") }, directory);
    await expect(client(address, (await how()) as IClientOptions)).rejects.toThrow();
    await vi.waitFor(() => expect(refused).toEqual([reason]));
  });

  test("a certificate that was taken back is refused", async () => {
    const directory = await temporaryDirectory();
    const tls = await secured(directory, "mutual");
    const gone = await makeCertificate("m-1", ours);
    const crlFile = await revoked(gone, directory);
    const { address, refused } = await endpoint({ tls: { ...tls, crlFile } }, directory);
    await expect(client(address, shown(gone))).rejects.toThrow();
    await vi.waitFor(() => expect(refused).toEqual(["certificate_revoked"]));
    await (await client(address, shown(await makeCertificate("m-2", ours)))).publishAsync("meters/m-2/readings", "x", {
      qos: 1,
    });
  });

  test("nor can it resume a session that it had before the list of those taken back was renewed", async () => {
    const directory = await temporaryDirectory();
    const tls = await secured(directory, "mutual");
    const [gone, another] = [await makeCertificate("m-1", ours), await makeCertificate("m-2", ours)];
    const crlFile = await revoked(another, directory);
    const { address, refused } = await endpoint({ tls: { ...tls, crlFile } }, directory);
    const first = await handshake(address, { ...shown(gone) });
    expect(await handshake(address, { ...shown(gone), session: first.session })).toMatchObject({ isResumed: true });
    await revoked(gone, directory);
    await vi.waitFor(async () => {
      await handshake(address, { ...shown(gone), session: first.session });
      expect(refused).toContain("certificate_revoked");
    });
  });

  test("a handshake that does not go on ends in time", async () => {
    const directory = await temporaryDirectory();
    const tls = await secured(directory, "mutual");
    const { address, refused } = await endpoint({ tls, connectTimeoutMs: 500 }, directory);
    const [host = "", port] = address.split(":");
    const socket = connectTcp({ host, port: Number(port) });
    onTestFinished(() => void socket.destroy());
    await once(socket, "close");
    await vi.waitFor(() => expect(refused).toEqual(["tls_failed"]));
  });

  test("a name that is no meter id is not let in", async () => {
    const directory = await temporaryDirectory();
    const { address, refused } = await endpoint({ tls: await secured(directory, "mutual") }, directory);
    const how = shown(await makeCertificate("no meter/+", ours));
    await expect(client(address, how)).rejects.toThrow("Not authorized");
    await vi.waitFor(() => expect(refused).toEqual(["not_authorised"]));
  });
});

/** The authority's list with this certificate in it. */
async function revoked(made: Made, directory: string): Promise<string> {
  const file = join(directory, "crl");
  await writeFile(file, await makeRevocationList(ours, [made]));
  return file;
}

describe("with names and secrets", () => {
  const secret = "mb_0123456789";
  const sha256 = createHash("sha256").update(secret).digest("hex");
  const identities = [{ name: "m-1", sha256 }, { name: "m-2", sha256 }, { name: "certified-only" }];

  test.for([
    ["m-1", secret, undefined],
    ["m-1", "wrong", "bad_credentials"],
    ["m-9", secret, "bad_credentials"],
    ["certified-only", "", "bad_credentials"],
    [undefined, undefined, "not_authorised"],
  ] as const)("%s with %s: %s", async ([username, password, reason]) => {
    const { address, refused, taken } = await endpoint({ identities }, await temporaryDirectory());
    const said = username === undefined ? {} : { username, password };
    const connecting = client(address, said);
    if (reason === undefined) {
      await (await connecting).publishAsync("meters/m-2/readings", "x", { qos: 1 });
      expect(taken[0]?.sender?.speaksFor("m-2")).toBe(false);
    } else {
      await expect(connecting).rejects.toThrow(
        reason === "not_authorised" ? "Not authorized" : "Bad username or password",
      );
      await vi.waitFor(() => expect(refused).toEqual([reason]));
    }
  });

  test("nobody throws another out by taking its client id, and nobody listens for another's requests", async () => {
    const { address } = await endpoint({ identities }, await temporaryDirectory());
    const [one, two] = await Promise.all(
      ["m-1", "m-2"].map((username) => client(address, { username, password: secret, clientId: "same" })),
    );
    expect((await one?.subscribeAsync("meters/m-1/requests", { qos: 1 }))?.[0]?.qos).toBe(1);
    await expect(two?.subscribeAsync("meters/m-1/requests", { qos: 1 })).rejects.toThrow();
    await Promise.all([one, two].map((each) => each?.publishAsync("meters/m-1/readings", "x", { qos: 1 })));
  });

  test("a list with mistakes stops the start with all of them, and later the list before stays", async () => {
    const directory = await temporaryDirectory();
    const wrong = endpoint({ identities: [{ name: "a b" }, { name: "m-1", sha256: "x" }] }, directory);
    await expect(wrong).rejects.toThrow(/METERBOOK_MQTT_IDENTITIES_FILE .*line 1: name[\s\S]*line 2: sha256/);
    const { address, filesFailed, identitiesFile } = await endpoint({ identities }, directory);
    await writeFile(identitiesFile as string, "nonsense");
    await vi.waitFor(() => expect(filesFailed).toHaveBeenCalled());
    await client(address, { username: "m-1", password: secret });
    await writeFile(identitiesFile as string, JSON.stringify({ name: "m-3", sha256 }));
    await vi.waitFor(async () => void (await client(address, { username: "m-3", password: secret })), {
      timeout: 5000,
    });
    await expect(client(address, { username: "m-1", password: secret })).rejects.toThrow();
  });
});
