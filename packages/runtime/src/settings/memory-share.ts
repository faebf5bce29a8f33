import { totalmem } from "node:os";

/** What the process may take of the machine: a container's limit where there is one. */
export function machineBytes(): number {
  const limit = process.constrainedMemory();
  // Without a limit the system answers 0, or more than any machine has.
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

/**
 * The heap of the thread that remembers meters. V8 by itself gives 4 GiB at most, and a thread that needs more ends the
 * process.
 */
export function rememberingHeapBytes(machine: number): number {
  return Math.floor(machine / 2);
}

/**
 * Of a meter with one channel the aggregator remembers 0.8 to 1.7 kB (measured with 390 000 invented ones), and what it
 * has just dropped stands beside that until it is collected.
 */
const bytesPerMeter = 2_560;
/** As many numbers as the embedded store has. */
export const metersPerPartitionMax = 4_194_303;
/** A process on one machine has as many shards as that at most. */
const shardsMax = 64;
export const metersPerProcessMax = metersPerPartitionMax * shardsMax;

/** Of each shard of a process that may have so many meters in all. */
export function metersPerShardMax(metersMax: number, shards: number): number {
  return Math.min(metersPerPartitionMax, Math.ceil(metersMax / shards));
}

/**
 * So many meters fit into that heap, in all shards: whoever invents more is refused, and does not end the process. How
 * many a shard may have at most is for `metersPerShardMax`.
 */
export function metersThatFit(machine: number): number {
  return Math.min(metersPerProcessMax, Math.floor(rememberingHeapBytes(machine) / bytesPerMeter));
}
