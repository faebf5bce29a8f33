import { allBuckets, type BucketRange, bucketRange, rangeProblems } from "@meterbook/sharding/bucket-ranges";

/** One InfluxDB server and the buckets of meters that it holds. */
export interface InfluxServerSetting extends BucketRange {
  readonly url: string;
}

/**
 * `http://influxdb:8086`, or several servers with the buckets of meters that each holds:
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
    const buckets = range === undefined && entries.length === 1 ? allBuckets : bucketRange(range ?? "");
    if (buckets === undefined) problems.push(`${named(entry)} has no range such as 00-7f`);
    else servers.push({ url, ...buckets });
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
