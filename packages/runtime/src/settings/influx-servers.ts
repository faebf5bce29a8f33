import { allSlots, rangeProblems, type SlotRange, slotRange } from "@meterbook/sharding/slot-ranges";

/** One InfluxDB server and the slots of meters that it holds. */
export interface InfluxServerSetting extends SlotRange {
  readonly url: string;
}

/**
 * `http://influxdb:8086`, or several servers with the slots of meters that each holds:
 * `http://a:8086=00-7f,http://b:8086=80-ff`. All that is wrong with it is in `problems`.
 */
export function influxServers(text: string): { servers: readonly InfluxServerSetting[]; problems: readonly string[] } {
  const entries = text.split(",").map((entry) => entry.trim());
  const servers: InfluxServerSetting[] = [];
  const problems: string[] = [];
  for (const entry of entries) {
    const parts = /^([^=]*?)\/?(?:=([^=]*))?$/.exec(entry);
    const url = parts?.[1] ?? "";
    const range = parts?.[2];
    if (!isServerUrl(url)) problems.push(`${named(entry)} is no URL`);
    const slots = range === undefined && entries.length === 1 ? allSlots : slotRange(range ?? "");
    if (slots === undefined) problems.push(`${named(entry)} has no range such as 00-7f`);
    else servers.push({ url, ...slots });
  }
  if (problems.length === 0) problems.push(...rangeProblems(servers));
  return { servers, problems };
}

function isServerUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "";
}

/** A URL may carry a password. */
function named(entry: string): string {
  return entry.replace(/\/\/[^@/]*@/, "//***@");
}
