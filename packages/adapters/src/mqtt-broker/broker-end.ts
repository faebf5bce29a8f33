import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { LinkEnd } from "./broker-events.ts";

/** How a connection to the broker, or the attempt at one, came to its end. */
export interface LinkEndFacts {
  readonly reason: LinkEnd;
  readonly detail: string;
  readonly error: (Error & { readonly code?: unknown }) | undefined;
  readonly livedMs: number;
}

/** Server unavailable, busy, quota or rate exceeded: these pass. */
const passingCodes = new Set<unknown>([3, 0x88, 0x89, 0x97, 0x9f]);

/** Whether another attempt would end the same way. */
export function isPermanent({ reason, error }: LinkEndFacts): boolean {
  if (reason === "refused") return !passingCodes.has(error?.code);
  const code = String(error?.code ?? "");
  return /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|ENOENT|EACCES)/.test(code);
}

export function startFailure({ url, clientId }: { url: string; clientId: string }, detail: string): AdapterError {
  const text = `the MQTT broker ${addressOf(url)} (METERBOOK_MQTT_URL), client id ${clientId}: ${detail}`;
  return new AdapterError("endpoint_failed", { retryable: false, detail: text });
}

export function addressOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  const usual: Readonly<Record<string, string>> = { "mqtt:": "1883", "mqtts:": "8883", "ws:": "80", "wss:": "443" };
  return `${hostname}:${port === "" ? (usual[protocol] ?? "1883") : port}`;
}
