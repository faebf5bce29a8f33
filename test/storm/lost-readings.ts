import { checkFrame } from "@meterbook/core/records/frame-protobuf";
import { decodeReport } from "@meterbook/intake/decoders/protobuf/meter-report-protobuf";

/** Of which meters readings may be missing, and of which instants; `any` where that is not known. */
export type LostReadings = ReadonlyMap<string, ReadonlySet<string> | "any">;

/** What a frame of the readings log holds; undefined where it is damaged already. */
export function readingsOfFrame(frame: Uint8Array): LostReadings | undefined {
  const { reports, faults } = checkFrame(frame);
  if (faults.length > 0) return undefined;
  const lost = new Map<string, Set<string>>();
  for (const { meterId, report } of reports) {
    const instants = lost.get(meterId) ?? new Set();
    lost.set(meterId, instants);
    for (const { at } of decodeReport(report, "remote")) for (const instant of at) instants.add(isoOf(instant));
  }
  return lost;
}

export function allLost(parts: Iterable<LostReadings>): LostReadings {
  const all = new Map<string, ReadonlySet<string> | "any">();
  for (const part of parts) {
    for (const [meterId, instants] of part) {
      const known = all.get(meterId);
      const isAny = instants === "any" || known === "any";
      all.set(meterId, isAny ? "any" : new Set([...(known ?? []), ...instants]));
    }
  }
  return all;
}

const instant = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/;

/**
 * Whether a line of the checker tells of what is lost: of a reading its instant is one of the lost; of a month or a sum
 * its meter is one of theirs.
 */
export function explains(lost: LostReadings, line: string): boolean {
  const [, check = "", meterId = ""] = /^(\w+): (\S+)/.exec(line) ?? [];
  const instants = lost.get(meterId.split("/")[0] ?? "");
  if (instants === undefined || instants === "any") return instants === "any";
  return check !== "stored" || instants.has(instant.exec(line)?.[0] ?? "");
}

function isoOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
