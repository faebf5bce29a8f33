import { messageOf } from "@meterbook/core/ports/adapter-error";
import type { Clock } from "@meterbook/core/ports/clock";
import { Gauge, type Registry } from "prom-client";
import type { DatedDocument, TlsContent, TlsRole } from "./tls-files.ts";

/** What stands until it is cleared. */
export interface ToldCertificates {
  raise(name: string, detail: string): void;
  clear(name: string): void;
}

export interface CertificateWatchOptions {
  /** So long before its end a certificate or a revocation list is a notice. */
  readonly noticeMs: number;
  /** What keeps the service from its work, and what is only to be known. */
  readonly standing: ToldCertificates;
  readonly notices: ToldCertificates;
  readonly metrics: Registry;
  readonly clock: Clock;
  readonly everyMs?: number;
}

/**
 * What follows, in words, when the documents of a file are not valid. `stops`: the service cannot work without them.
 */
export type Duties = Readonly<Record<TlsRole, { readonly stops: boolean; readonly says: string }>>;

/**
 * Knows which certificates and revocation lists are in use. Tells when one of them ends soon, has ended, or should be
 * replaced by a file that cannot be used.
 */
export interface CertificateWatch {
  /** From now on. `settings` is how the names of their settings begin, such as `METERBOOK_MQTT_TLS_`. */
  uses(settings: string, content: Pick<TlsContent, "documents" | "remarks">, duties: Duties): void;
  /** The files have changed and cannot be used: what was in use stays so, until `uses` is told again. */
  failed(settings: string, error: unknown): void;
  close(): void;
}

interface InUse {
  readonly documents: readonly DatedDocument[];
  readonly duties: Duties;
}

export function certificateWatch(options: CertificateWatchOptions): CertificateWatch {
  const { noticeMs, standing, notices, metrics, clock, everyMs = 1000 } = options;
  const inUse = new Map<string, InUse>();

  function look(): void {
    const nowMs = clock.nowMs();
    for (const [settings, { documents, duties }] of inUse) {
      for (const [role, group] of Map.groupBy(documents, (one) => one.role)) {
        const name = `${settings}${role}`;
        tell(name, judge(group, { nowMs, noticeMs, duty: duties[role], name }));
      }
    }
  }

  function tell(name: string, { problem, notice }: Verdict): void {
    for (const [told, detail] of [[standing, problem] as const, [notices, notice] as const]) {
      if (detail === undefined) told.clear(name);
      else told.raise(name, detail);
    }
  }

  new Gauge({
    name: "meterbook_certificate_ends_seconds",
    help: "How long the certificates or revocation lists of a setting's file hold, of several the one that ends first; negative once it has ended.",
    labelNames: ["setting"],
    registers: [metrics],
    collect() {
      this.reset();
      for (const [settings, { documents }] of inUse)
        for (const { role, toMs } of documents.toSorted((a, b) => (b.toMs ?? 0) - (a.toMs ?? 0)))
          if (toMs !== null) this.set({ setting: `${settings}${role}` }, (toMs - clock.nowMs()) / 1000);
    },
  });
  const timer = setInterval(look, everyMs);
  timer.unref();
  return {
    uses(settings, { documents, remarks }, duties) {
      inUse.set(settings, { documents, duties });
      notices.clear(`${settings}*`);
      if (remarks.length > 0) notices.raise(`${settings}*`, remarks.join("; "));
      look();
    },
    failed(settings, error) {
      const said = messageOf(error);
      notices.raise(`${settings}*`, `${settings}*: what is there now cannot be used, what was before stays: ${said}`);
    },
    close: () => clearInterval(timer),
  };
}

interface Verdict {
  readonly problem?: string;
  readonly notice?: string;
}

interface Judging {
  readonly nowMs: number;
  readonly noticeMs: number;
  readonly duty: Duties[TlsRole];
  readonly name: string;
}

/** Of the documents of one file. */
function judge(documents: readonly DatedDocument[], { nowMs, noticeMs, duty, name }: Judging): Verdict {
  const out = documents.filter(({ fromMs, toMs }) => fromMs > nowMs || (toMs !== null && toMs <= nowMs));
  const soon = documents.filter((one) => !out.includes(one) && one.toMs !== null && one.toMs - nowMs <= noticeMs);
  const said = [
    ...out.map(
      (one) =>
        `${one.name} ${one.fromMs > nowMs ? "begins" : "ended"} at ${instant(one.fromMs > nowMs ? one.fromMs : one.toMs)}`,
    ),
    ...soon.map(({ name: which, toMs }) => `${which} ends at ${instant(toMs)}`),
  ].join("; ");
  if (said === "") return {};
  // A chain is as good as its weakest link; of several authorities those that hold go on.
  const stops = duty.stops && (name.endsWith("CERT_FILE") ? out.length > 0 : out.length === documents.length);
  const detail = `${name}: ${said}${out.length > 0 ? `; ${duty.says}` : ""}`;
  return stops ? { problem: detail } : { notice: detail };
}

function instant(ms: number | null): string {
  return new Date(ms ?? 0).toISOString().replace(/\.\d{3}Z$/, "Z");
}
