import type { Doubt, SteadyClock } from "../clock/steady-clock.ts";
import type { StandingProblems } from "./standing-problems.ts";

export interface ClockWatchOptions {
  readonly clock: Pick<SteadyClock, "look">;
  /**
   * `months`: while the clock is in doubt, what comes by it is held back, and that is a problem. `nothing`: it is only
   * told.
   */
  readonly holdsBack: "months" | "nothing";
  readonly standing: Pick<StandingProblems, "raise" | "clear">;
  readonly notices: Pick<StandingProblems, "raise" | "clear">;
  readonly everyMs?: number;
}

/** Says within some seconds what is wrong with the host's clock, and that it is right again. */
export function watchClock(options: ClockWatchOptions): { close(): void } {
  const { clock, holdsBack, standing, notices, everyMs = 1000 } = options;
  const told = holdsBack === "months" ? standing : notices;
  const held =
    holdsBack === "months" ? "; no month's end comes by it until it is right, or the process is started again" : "";

  /** After a long stop it is right; what meters say against it is a problem. */
  function tellDoubt(doubt: Doubt, aheadMs: number): void {
    if (doubt === "old readings") return notices.raise("clock in doubt", oldReadings);
    const says = `the clock of this host is ${span(aheadMs)} ahead of what`;
    const until = "an operator closes a period, or the host's clock is right";
    if (doubt === "log") {
      told.clear("clock");
      const asked = `it is in doubt, and no month ends by it until meters report readings of that time, ${until}`;
      notices.raise("clock in doubt", `${says} the log says: ${asked}`);
    } else {
      notices.clear("clock in doubt");
      told.raise("clock", `${says} meters report: no month ends by it until they agree, ${until}`);
    }
  }

  function look(): void {
    const { aheadMs, wentBackMs, differs, doubt } = clock.look();
    if (doubt !== undefined && doubt !== "no time" && differs === undefined) return tellDoubt(doubt, aheadMs);
    notices.clear("clock in doubt");
    const byServer = differs === undefined ? "" : ` of ${differs.from}`;
    if (differs !== undefined && differs.byMs < 0)
      notices.raise("clock behind", `the clock of this host is ${span(-differs.byMs)} behind that${byServer}`);
    else notices.clear("clock behind");
    if (aheadMs > 0 && byServer !== "")
      told.raise("clock", `the clock of this host is ${span(aheadMs)} ahead of that${byServer}${held}`);
    else if (aheadMs > 0) told.raise("clock", `the clock of this host jumped ahead by ${span(aheadMs)}${held}`);
    else told.clear("clock");
    if (wentBackMs > 0)
      notices.raise(
        "clock back",
        `the clock of this host went back by ${span(wentBackMs)}: look at what was issued before`,
      );
    else notices.clear("clock back");
  }

  const timer = setInterval(look, everyMs);
  timer.unref();
  return { close: () => clearInterval(timer) };
}

const oldReadings =
  "the clock of this host was never confirmed, and meters have reported older readings only: months end by what they " +
  "report until that is of this time, an operator closes a period, or the host's clock is right";

/** In whole units, so that what stands does not change each second. */
function span(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
