import type { Damage } from "@meterbook/core/domain/damage/damage";
import type { DamageLog, TellDamage } from "@meterbook/core/ports/damage-log";
import type { Logger } from "../telemetry/telemetry.ts";

/** Damage that waits to be reported: beyond it, what is told is found again by whoever meets it next. */
const waitingMax = 1000;
const againAfterMs = 1000;

export interface DamageTeller {
  readonly tell: TellDamage;
  /** Reports what waits once more, and takes no more. */
  close(): Promise<void>;
}

/** For readers that cannot wait: what they tell is reported in the background until the damage log has taken it. */
export function damageTeller(damages: Pick<DamageLog, "report">, log: Logger): DamageTeller {
  const waiting = new Map<string, Damage>();
  const said = new Set<string>();
  let reporting: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function report(): Promise<void> {
    while (waiting.size > 0) {
      const batch = [...waiting.values()];
      await damages.report(batch);
      for (const { id } of batch) waiting.delete(id);
    }
  }

  function begin(): void {
    reporting ??= report()
      .catch(() => {
        if (!closed) timer = setTimeout(begin, againAfterMs).unref();
      })
      .finally(() => {
        reporting = undefined;
      });
  }

  function say({ id, place, code, where, detail }: Damage): void {
    if (said.has(id) || said.size >= waitingMax) return;
    said.add(id);
    log.error({ id, place, code, where, detail }, "Damage was found; GET /v1/damage lists it.");
  }

  return {
    tell(damage) {
      if (closed || waiting.size >= waitingMax) return;
      say(damage);
      waiting.set(damage.id, damage);
      begin();
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await reporting;
      await report().catch(() => undefined);
    },
  };
}
