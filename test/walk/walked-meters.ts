import { encodeReport } from "@meterbook/intake/decoders/protobuf/meter-report-protobuf";
import { partitionOf } from "@meterbook/sharding/slot";
import { instant, registerSeries } from "../support/readings.ts";
import type { SharedWorld } from "./walked-world.ts";

export const partitions = 2;
const day = 86_400;
/** When walks begin. */
export const walkFrom = instant("2026-09-29T00:00:00Z");
const meterIds = ["m-0", "m-1", "m-2", "m-3", "m-4", "m-5"];

/** What meters and master data do in a walk. */
export interface WalkedMeters {
  /** The earliest reading of each. */
  readonly firstAt: ReadonlyMap<string, number>;
  any(): string;
  /** A frame: of one meter or of several of its partition. */
  report(): void;
  register(): void;
}

export function walkedMeters({ log, registry, nowMs }: SharedWorld, random: () => number): WalkedMeters {
  const pick = <Thing>(things: readonly Thing[]) => things[Math.floor(random() * things.length)] as Thing;
  const firstAt = new Map<string, number>();

  /** Most go on where the meter was; some are late, come twice or contradict. */
  function rowsOf(): [number, number][] {
    const today = Math.floor((nowMs() / 1000 - walkFrom) / day);
    const earliest = Math.max(0, today - Math.floor(random() * random() * 40));
    const days = Array.from({ length: random() < 0.2 ? 3 : 1 }, (_, index) => earliest + index);
    return days
      .filter((on) => on <= Math.max(0, today))
      .map((on) => {
        const at = walkFrom + on * day + (random() < 0.3 ? 21 * 3600 : 0);
        return [at, on * 1000 + (random() < 0.8 ? 0 : Math.floor(random() * 50))];
      });
  }

  return {
    firstAt,
    any: () => pick(meterIds),
    report() {
      const first = pick(meterIds);
      const own = meterIds.filter((one) => partitionOf(one, partitions) === partitionOf(first, partitions));
      const others = own.filter((one) => one !== first && random() < 0.1);
      const reports = [first, ...others].map((meterId) => {
        const rows = rowsOf();
        firstAt.set(meterId, Math.min(firstAt.get(meterId) ?? Number.POSITIVE_INFINITY, ...rows.map(([at]) => at)));
        const report = encodeReport({ meterId, series: [registerSeries(rows)] });
        return { meterId, receivedAtMs: nowMs(), origin: "remote" as const, report, readings: rows.length };
      });
      // Some are appended by a clock that is ahead.
      log.append(reports, nowMs() + (random() < 0.03 ? 30 * day * 1000 : 0));
    },
    register() {
      const known = new Set(registry.map(({ meterId }) => meterId));
      const fresh = meterIds.filter((meterId) => !known.has(meterId));
      if (fresh.length === 0) return;
      const meterId = pick(fresh);
      const multiplier = pick([1, 40]);
      const removed = random() < 0.2 ? { removed: { at: walkFrom + 45 * day, values: {} } } : {};
      const zone = random() < 0.5 ? { zone: pick(["Asia/Tokyo", "America/Lima"]) } : {};
      const registers = [{ register: "1.8.0", unit: "Wh" as const, multiplier }];
      const record = { meterId, usagePointId: `${meterId}-up`, registers, ...zone, ...removed };
      registry.push({ meterId, record, position: registry.length + 1 });
    },
  };
}
