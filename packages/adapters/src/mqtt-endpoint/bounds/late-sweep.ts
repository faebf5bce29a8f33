/** A process is never so late by its own work: another had the machine, or it was stopped. */
const standstillMs = 1_000;

/**
 * Whether a sweep is to be left out. After a standstill the timer comes before what has arrived meanwhile is read: who
 * has reported would be taken for silent. Never two in a row.
 */
export function lateSweep(everyMs: number, startedAtMs: number): (nowMs: number) => boolean {
  let lastMs = startedAtMs;
  let leftOut = false;
  return (nowMs) => {
    leftOut = !leftOut && nowMs - lastMs > everyMs + standstillMs;
    lastMs = nowMs;
    return leftOut;
  };
}
