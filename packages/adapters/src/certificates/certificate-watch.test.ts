import { Registry } from "prom-client";
import { expect, onTestFinished, test } from "vitest";
import { certificateWatch, type Duties } from "./certificate-watch.ts";
import type { DatedDocument, TlsRole } from "./tls-files.ts";

const dayMs = 86_400_000;
const duties: Duties = {
  CERT_FILE: { stops: true, says: "nobody connects" },
  CA_FILE: { stops: true, says: "all are refused" },
  CRL_FILE: { stops: false, says: "some are refused" },
};

function told() {
  const standing = new Map<string, string>();
  return {
    standing,
    raise: (name: string, detail: string) => void standing.set(name, detail),
    clear: (name: string) => void standing.delete(name),
  };
}

function aWatch() {
  const [standing, notices, metrics] = [told(), told(), new Registry()];
  const clock = { nowMs: () => world.nowMs };
  const watch = certificateWatch({ noticeMs: 14 * dayMs, standing, notices, metrics, clock, everyMs: 5 });
  onTestFinished(() => watch.close());
  const world = { nowMs: Date.parse("2026-11-01T00:00:00Z"), watch, standing, notices, metrics };
  return world;
}

function document(role: TlsRole, fromDays: number, toDays: number | null, name = "it"): DatedDocument {
  const at = Date.parse("2026-11-01T00:00:00Z");
  return { role, name, fromMs: at + fromDays * dayMs, toMs: toDays === null ? null : at + toDays * dayMs };
}

test.for([
  { of: [document("CERT_FILE", -1, 15)], problem: undefined, notice: undefined },
  { of: [document("CRL_FILE", -1, null)], problem: undefined, notice: undefined },
  {
    of: [document("CERT_FILE", -1, 14)],
    problem: undefined,
    notice: "METERBOOK_MQTT_TLS_CERT_FILE: it ends at 2026-11-15T00:00:00Z",
  },
  {
    of: [document("CERT_FILE", -2, 0)],
    problem: "METERBOOK_MQTT_TLS_CERT_FILE: it ended at 2026-11-01T00:00:00Z; nobody connects",
    notice: undefined,
  },
  {
    of: [document("CERT_FILE", 1, 100)],
    problem: "METERBOOK_MQTT_TLS_CERT_FILE: it begins at 2026-11-02T00:00:00Z; nobody connects",
    notice: undefined,
  },
  {
    of: [document("CERT_FILE", -2, 50), document("CERT_FILE", -2, -1, "the one above it")],
    problem: "METERBOOK_MQTT_TLS_CERT_FILE: the one above it ended at 2026-10-31T00:00:00Z; nobody connects",
    notice: undefined,
  },
  {
    of: [document("CA_FILE", -2, 50), document("CA_FILE", -2, -1, "another")],
    problem: undefined,
    notice: "METERBOOK_MQTT_TLS_CA_FILE: another ended at 2026-10-31T00:00:00Z; all are refused",
  },
  {
    of: [document("CRL_FILE", -2, -1)],
    problem: undefined,
    notice: "METERBOOK_MQTT_TLS_CRL_FILE: it ended at 2026-10-31T00:00:00Z; some are refused",
  },
])("H15: $of -> problem $problem, notice $notice", ({ of, problem, notice }) => {
  const { watch, standing, notices } = aWatch();
  watch.uses("METERBOOK_MQTT_TLS_", { documents: of, remarks: [] }, duties);
  expect([...standing.standing.values()]).toEqual(problem === undefined ? [] : [problem]);
  expect([...notices.standing.values()]).toEqual(notice === undefined ? [] : [notice]);
});

test("H15: a notice, then a problem, then nothing once it was renewed; the seconds that are left are a metric", async () => {
  const world = aWatch();
  const { watch, standing, notices, metrics } = world;
  watch.uses(
    "METERBOOK_MQTT_TLS_",
    { documents: [document("CERT_FILE", -1, 20), document("CERT_FILE", -1, 15)], remarks: [] },
    duties,
  );
  expect(notices.standing.size).toBe(0);
  world.nowMs += 2 * dayMs;
  await expect.poll(() => notices.standing.size).toBe(1);
  expect(await metrics.metrics()).toContain(
    `meterbook_certificate_ends_seconds{setting="METERBOOK_MQTT_TLS_CERT_FILE"} ${13 * 86_400}`,
  );
  world.nowMs += 14 * dayMs;
  await expect.poll(() => [standing.standing.size, notices.standing.size]).toEqual([1, 0]);
  expect(await metrics.metrics()).toContain(`{setting="METERBOOK_MQTT_TLS_CERT_FILE"} ${-86_400}`);
  watch.uses("METERBOOK_MQTT_TLS_", { documents: [document("CERT_FILE", -1, 100)], remarks: [] }, duties);
  expect([standing.standing.size, notices.standing.size]).toEqual([0, 0]);
});

test("H15: what cannot be used is a notice until something can", () => {
  const { watch, notices } = aWatch();
  watch.uses("METERBOOK_MQTT_TLS_", { documents: [], remarks: ["crl: there is no list of CN=b in it"] }, duties);
  expect([...notices.standing.values()]).toEqual(["crl: there is no list of CN=b in it"]);
  watch.failed("METERBOOK_MQTT_TLS_", new Error("cert.pem: ends within a PEM block"));
  expect([...notices.standing.values()]).toEqual([
    "METERBOOK_MQTT_TLS_*: what is there now cannot be used, what was before stays: cert.pem: ends within a PEM block",
  ]);
  watch.uses("METERBOOK_MQTT_TLS_", { documents: [], remarks: [] }, duties);
  expect(notices.standing.size).toBe(0);
});
