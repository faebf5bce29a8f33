import type { DamageLog } from "@meterbook/core/ports/damage-log";
import { Gauge, type Registry } from "prom-client";
import type { ApiPorts } from "../api-ports.ts";
import { type Lag, lagBetween } from "./read-status.ts";

/** A scrape waits no longer for the store and the log. */
const askMsMax = 2000;

export interface LagPorts {
  readonly series: Pick<ApiPorts["series"], "totals">;
  readonly readingsLog: Pick<ApiPorts["readingsLog"], "ends">;
}

/** How far the store is behind the log, asked of both at each scrape: also where nobody works on a partition. */
export function lagMetrics(registry: Registry, { series, readingsLog }: LagPorts): void {
  async function ask(): Promise<Lag> {
    const { positions } = await series.totals();
    return lagBetween(await readingsLog.ends(), positions);
  }

  new Gauge({
    name: "meterbook_log_lag_records",
    help: "Records of the readings log that are not in the store, by partition, whoever works on it: the log's end minus the position. Absent while that cannot be asked.",
    labelNames: ["partition"],
    registers: [registry],
    async collect() {
      const lag = await inTime(ask());
      this.reset();
      for (const { partition, records } of lag?.partitions ?? []) this.set({ partition }, records);
    },
  });
}

/** What is gone for good, asked at each scrape. */
export function lossMetrics(registry: Registry, damage: Pick<DamageLog, "losses">): void {
  new Gauge({
    name: "meterbook_lost_records",
    help: "Readings and records that are gone for good, by place, acknowledged or not (GET /v1/damage). Alarm where it grows.",
    labelNames: ["place"],
    registers: [registry],
    async collect() {
      const { byPlace } = await damage.losses();
      this.reset();
      for (const [place, lost] of Object.entries(byPlace)) this.set({ place }, lost);
    },
  });
}

async function inTime<Answer>(work: Promise<Answer>): Promise<Answer | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), askMsMax);
  const answer = await Promise.race([work.catch(() => undefined), late.promise]);
  clearTimeout(timer);
  return answer;
}
