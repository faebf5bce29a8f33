import type { SteadyClock } from "../clock/steady-clock.ts";
import type { StandingProblems } from "./standing-problems.ts";
import { watchDependency } from "./watch-dependency.ts";

export interface InfluxWatchOptions {
  readonly url: string;
  /** Answers what the server's clock shows. */
  readonly ask: () => Promise<number | undefined>;
  readonly standing: Pick<StandingProblems, "raise" | "clear">;
  readonly clock: Pick<SteadyClock, "compare">;
}

/** Watches an InfluxDB, and our clock by its. */
export function watchInflux({ url, ask, standing, clock }: InfluxWatchOptions): { close(): void } {
  return watchDependency(standing, {
    name: url,
    says: "InfluxDB does not answer",
    async probe() {
      const askedAtMs = Date.now();
      const atMs = await ask();
      if (atMs !== undefined) clock.compare({ name: url, atMs, askedAtMs });
    },
  });
}
