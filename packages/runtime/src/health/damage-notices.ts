import type { DamageLog } from "@meterbook/core/ports/damage-log";

/** What is damaged keeps nobody from working: `/readyz` names each place, and readiness stays. */
export async function damageNotices(damage: Pick<DamageLog, "open">): Promise<string[]> {
  try {
    const { byPlace } = await damage.open();
    return Object.entries(byPlace).map(
      ([place, count]) => `${place}: ${count} damaged or lost; GET /v1/damage names it`,
    );
  } catch {
    return ["damage-log: cannot be read, so that damage is not known"];
  }
}
