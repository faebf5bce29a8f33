/**
 * Latencies from when something was due, not from when it left: a server that stalls must not hide what waits behind.
 * Keeps the newest `samplesMax`.
 */
export interface LatencyProbe {
  add(ms: number): void;
  /** Throws where there is nothing to sum up: no figure without a measurement. */
  summary(): {
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly p999: number;
    readonly max: number;
  };
}

export function latencyProbe(samplesMax: number): LatencyProbe {
  const samples = new Float64Array(samplesMax);
  let count = 0;
  return {
    add(ms) {
      samples[count % samplesMax] = ms;
      count += 1;
    },
    summary() {
      if (count === 0) throw new Error("no latency was measured: the run is too short");
      const sorted = samples.slice(0, Math.min(count, samplesMax)).sort();
      const at = (share: number) => {
        const sample = sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] as number;
        return Math.round(sample * 1000) / 1000;
      };
      return { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1) };
    },
  };
}
