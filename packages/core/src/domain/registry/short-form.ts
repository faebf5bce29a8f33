import { formatInstant } from "../time/instant.ts";
import type { MeterRecord } from "./meter-record.ts";

export type KeptEarlier =
  | { readonly record: MeterRecord }
  | { readonly fault: { readonly field: string; readonly message: string } };

/**
 * A record that says nothing of earlier places replaces the newest installation and keeps those before it. An empty
 * list of earlier places takes them away.
 */
export function keepEarlier(record: MeterRecord, known: MeterRecord | null): KeptEarlier {
  const { earlier, ...short } = record;
  if (earlier !== undefined) return { record: earlier.length === 0 ? short : record };
  const kept = known?.earlier;
  const last = kept?.at(-1);
  if (kept === undefined || last?.removed === undefined) return { record };
  const was = `the meter was at ${last.usagePointId} until ${formatInstant(last.removed.at)}`;
  if (record.installed === undefined) return fault("installed", `is required: ${was}`);
  if (record.installed.at < last.removed.at) return fault("installed.at", `is too early: ${was}`);
  return { record: { ...record, earlier: kept } };
}

function fault(field: string, message: string): KeptEarlier {
  return { fault: { field, message } };
}
