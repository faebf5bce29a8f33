import { setTimeout } from "node:timers/promises";
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
  /** Seconds UTC; undefined where it was never removed. */
  readonly removedAt: number | undefined;
}

/** Seconds UTC. */
export interface SilentIn {
  readonly start: number;
  readonly boundary: number;
}

type Ports = Pick<ApiPorts, "registry" | "series" | "clock">;

/** After a walk, so many times as long as it took none begins: all records of the fleet are read in it. */
const restsPerWalk = 19;
/** Nobody waits for a walk longer than this: what the one before found is answered, if there was one. */
const waitMsMax = 1000;

/**
 * Those of a month: registered before its end, and not removed before it began. Undefined until it is known: the first
 * walk over the registry takes long where the fleet is large. Callers who ask at the same time share one walk, and so
 * do those who ask soon after a long one.
 */
export function silentMeters(
  ports: Ports,
  pageSize: number,
  waitMs = waitMsMax,
): (month: SilentIn) => Promise<SilentMeters | undefined> {
  let walk: Promise<readonly Silent[]> | undefined;
  /** Resolves when nobody waits for the walk any more. */
  let patience: Promise<undefined> = Promise.resolve(undefined);
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

  function sharedWalk(): Promise<readonly Silent[]> {
    if (walk !== undefined) return walk;
    patience = setTimeout(waitMs, undefined, { ref: false });
    walk = walkNow().finally(() => {
      walk = undefined;
    });
    // Where nobody waits any more, whoever asks next meets what stopped it.
    walk.catch(() => undefined);
    return walk;
  }

  async function all(): Promise<readonly Silent[] | undefined> {
    if (walked !== undefined && ports.clock.nowMs() < walked.untilMs) return walked.silent;
    const found = sharedWalk();
    if (walked !== undefined && walked.tookMs > waitMs) return walked.silent;
    return (await Promise.race([found, patience])) ?? walked?.silent;
  }

  return async ({ start, boundary }) => {
    const own = (await all())?.filter(
      ({ registeredAtMs, removedAt = Number.POSITIVE_INFINITY }) =>
        registeredAtMs < boundary * 1000 && removedAt > start,
    );
    return own && { meters: own.length, registers: own.reduce((sum, { registers }) => sum + registers, 0) };
  };
}

async function silentOf({ registry }: Ports, { meterId, registers, removed }: MeterRecord): Promise<Silent> {
  // Only who changed it and when: the first record itself may be damaged, and nobody needs it here.
  const [first] = await registry.versions({ kind: "meter", id: meterId }, { before: 2, limit: 1 });
  const registeredAtMs = first?.recordedAtMs ?? 0;
  return { registers: Math.max(1, registers.length), registeredAtMs, removedAt: removed?.at };
}
