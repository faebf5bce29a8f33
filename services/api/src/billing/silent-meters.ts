import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { ApiPorts } from "../api-ports.ts";
import { knownMeters } from "../registry/fleet-meters.ts";

/**
 * Registered meters that no record says are installed, and that were never heard of. No snapshot is made of them:
 * nothing says since when they should report. So a month counts them beside its snapshots.
 */
export interface SilentMeters {
  readonly meters: number;
  /** A meter without any counts as one. */
  readonly registers: number;
}

interface Silent {
  readonly registers: number;
  readonly registeredAtMs: number;
}

type Ports = Pick<ApiPorts, "registry" | "series" | "clock">;

/** After a walk, so many times as long as it took none begins: all records of the fleet are read in it. */
const restsPerWalk = 19;
/** Nobody waits for a walk that takes longer than this but the first time: what the one before found is answered. */
const waitMsMax = 1000;

/**
 * Those of the months that end at a boundary (seconds UTC): registered before it. Callers who ask at the same time
 * share one walk over the registry, and so do those who ask soon after a long one.
 */
export function silentMeters(ports: Ports, pageSize: number): (boundary: number) => Promise<SilentMeters> {
  let walk: Promise<readonly Silent[]> | undefined;
  let walked: { readonly silent: readonly Silent[]; readonly tookMs: number; readonly untilMs: number } | undefined;

  async function walkNow(): Promise<readonly Silent[]> {
    const startedMs = ports.clock.nowMs();
    const silent: Silent[] = [];
    const asked = { registered: true, reported: false, installed: false };
    for await (const page of knownMeters(ports, asked, undefined, pageSize))
      for (const { record } of page) if (record !== undefined) silent.push(await silentOf(ports, record));
    const endedMs = ports.clock.nowMs();
    const tookMs = Math.max(0, endedMs - startedMs);
    walked = { silent, tookMs, untilMs: endedMs + restsPerWalk * tookMs };
    return silent;
  }

  async function all(): Promise<readonly Silent[]> {
    if (walked !== undefined && ports.clock.nowMs() < walked.untilMs) return walked.silent;
    walk ??= walkNow().finally(() => {
      walk = undefined;
    });
    if (walked === undefined || walked.tookMs <= waitMsMax) return walk;
    // Whoever asks next meets what stopped it.
    walk.catch(() => undefined);
    return walked.silent;
  }

  return async (boundary) => {
    const own = (await all()).filter(({ registeredAtMs }) => registeredAtMs < boundary * 1000);
    return { meters: own.length, registers: own.reduce((sum, { registers }) => sum + registers, 0) };
  };
}

async function silentOf({ registry }: Ports, { meterId, registers }: MeterRecord): Promise<Silent> {
  const first = await registry.meterVersion(meterId, 1);
  return { registers: Math.max(1, registers.length), registeredAtMs: first?.recordedAtMs ?? 0 };
}
