// Goal: H15, a revocation list that ends while the service runs is told before and at its end, and its renewal is taken
// without a restart.
// Method: the whole as one process, with a list that holds for some seconds.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { expect, onTestFinished, test } from "vitest";
import { type Made, makeAuthority, makeCertificate, makeRevocationList } from "../support/network/made-certificates.ts";
import { type MeterbookProcess, startMeterbook } from "../support/processes/meterbook-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const tellMsMax = 10_000;

interface Readiness {
  readonly problems: readonly string[];
  readonly notices: readonly string[];
}

async function readiness({ httpUrl }: MeterbookProcess): Promise<Readiness & { status: number }> {
  const response = await fetch(`${httpUrl}/readyz`);
  const { problems, notices } = (await response.json()) as Readiness;
  return { status: response.status, problems, notices };
}

async function report({ mqttUrl }: MeterbookProcess, ours: Made, { cert, private: key }: Made): Promise<void> {
  const client = await connectAsync(
    mqttUrl,
    { ca: ours.cert, cert, key, reconnectPeriod: 0, connectTimeout: 10_000 },
    false,
  );
  const readings = [{ at: "2026-10-31T22:00:00Z", register: "1.8.0", value: 1 }];
  await client.publishAsync("meters/m-1/readings/json", JSON.stringify({ readings }), { qos: 1 });
  await client.endAsync();
}

test("H15: the list of revoked certificates ends while we run", { timeout: 90_000 }, async () => {
  const directory = await temporaryDirectory();
  const file = (name: string) => join(directory, name);
  const ours = await makeAuthority("meters");
  const [endpoint, meter] = await Promise.all(["endpoint", "m-1"].map((name) => makeCertificate(name, ours)));
  await writeFile(file("ca"), ours.cert);
  await writeFile(file("cert"), endpoint?.cert ?? "");
  await writeFile(file("key"), endpoint?.private ?? "");
  await writeFile(file("crl"), await makeRevocationList(ours, [], { toSeconds: 20 }));
  const endsAtMs = Date.now() + 20_000;
  const meterbook = await startMeterbook({
    METERBOOK_MQTT_TLS_CERT_FILE: file("cert"),
    METERBOOK_MQTT_TLS_KEY_FILE: file("key"),
    METERBOOK_MQTT_TLS_CA_FILE: file("ca"),
    METERBOOK_MQTT_TLS_CRL_FILE: file("crl"),
  });
  onTestFinished(() => meterbook.dispose());
  const list = "METERBOOK_MQTT_TLS_CRL_FILE: the revocation list of CN=meters";
  await expect
    .poll(() => readiness(meterbook))
    .toMatchObject({ status: 200, notices: [expect.stringContaining(`${list} ends at `)] });
  await report(meterbook, ours, meter as Made);

  const ended = new RegExp(`${list} ended at .*; meters that connect are refused until it is renewed`);
  await expect
    .poll(() => readiness(meterbook), { timeout: endsAtMs + tellMsMax - Date.now(), interval: 100 })
    .toMatchObject({ status: 503, problems: [expect.stringMatching(ended)] });
  await expect(report(meterbook, ours, meter as Made)).rejects.toThrow();
  const metrics = await (await fetch(`${meterbook.httpUrl}/metrics`)).text();
  expect(metrics).toMatch(/meterbook_certificate_ends_seconds\{setting="METERBOOK_MQTT_TLS_CRL_FILE"\} -\d/);
  expect(metrics).toMatch(/meterbook_mqtt_connections_refused_total\{reason="revocation_list_ended"\} [1-9]/);
  const lines = () =>
    meterbook
      .errors()
      .split("\n")
      .filter((line) => line.includes("CRL_FILE"));
  // One when the episode begins, the notice's and the problem's, and none between.
  await expect.poll(lines).toEqual([expect.stringContaining("Wants attention"), expect.stringContaining("Not ready")]);

  await writeFile(file("crl"), await makeRevocationList(ours, []));
  await expect
    .poll(() => readiness(meterbook), { timeout: tellMsMax, interval: 100 })
    .toMatchObject({ status: 200, problems: [], notices: [] });
  await report(meterbook, ours, meter as Made);
});
