/**
 * Preloaded into a process: its clock is ahead of the host's by `ahead-ms` of this module's address, which may be
 * negative.
 */
const aheadMs = Number(new URL(import.meta.url).searchParams.get("ahead-ms"));
const hostMs = Date.now;

class ShiftedDate extends Date {
  constructor(...given: readonly unknown[]) {
    super(...((given.length === 0 ? [hostMs() + aheadMs] : given) as [number]));
  }

  static override now(): number {
    return hostMs() + aheadMs;
  }
}

globalThis.Date = ShiftedDate as DateConstructor;
