import type { Logger } from "../telemetry/telemetry.ts";
import { type ExplainSettings, explainError } from "./explain-error.ts";
import { type Own, type OwnedThings, ownedThings } from "./owned-things.ts";

export interface RunOptions {
  readonly log: Logger;
  /** Named in explanations of a start that failed. */
  readonly settings: ExplainSettings;
  /** How long closing may take in all before the process ends anyway, with exit code 1. */
  readonly closeMsMax?: number;
}

/** Ctrl-C under npm reaches us twice, from the terminal and from npm: within this time it is one wish. */
const sameWishMs = 500;

/**
 * The life of a service process. Awaits `start`, which opens things and gives each to `own`; waits for SIGTERM or
 * SIGINT; closes what it owns, newest first; exits 0, or 1 when something did not close. A second Ctrl-C exits at once.
 * A start that fails closes what it had opened, explains itself in one line and exits 1. Never returns to the caller.
 */
export async function runService(start: (own: Own) => Promise<void>, options: RunOptions): Promise<never> {
  const { log, closeMsMax = 25_000 } = options;
  // What we write is readings of people's homes: for this user only, whatever the shell's mask says.
  process.umask(0o077);
  const owned = ownedThings();
  const stopped = stopSignal(log);
  // A signal handler alone does not keep the process: without this, a service of threads that idle would just end.
  setInterval(() => {}, 2 ** 30);
  const started = start(owned.own).then(() => "started" as const);
  try {
    if ((await Promise.race([started, stopped])) === "started") await stopped;
  } catch (error) {
    logFailedStart(error, options);
    await closeOwned(owned, { log, closeMsMax });
    process.exit(1);
  }
  // A start that was interrupted fails as its parts are closed under it; that is no news.
  started.catch(() => {});
  process.exit(await closeOwned(owned, { log, closeMsMax }));
}

async function closeOwned(owned: OwnedThings, options: { log: Logger; closeMsMax: number }): Promise<0 | 1> {
  const problems = await owned.closeAll(options.closeMsMax);
  for (const problem of problems) options.log.error({ problem }, "Did not stop cleanly.");
  return problems.length === 0 ? 0 : 1;
}

function logFailedStart(error: unknown, { log, settings }: RunOptions): void {
  const explained = explainError(error, settings);
  if (explained.expected) log.error({}, `Cannot start: ${explained.line}`);
  else log.error({ error }, `Cannot start: ${explained.line}`);
}

function stopSignal(log: Logger): Promise<NodeJS.Signals> {
  const first = Promise.withResolvers<NodeJS.Signals>();
  let firstAtMs: number | undefined;
  function onSignal(signal: NodeJS.Signals): void {
    if (firstAtMs === undefined) {
      firstAtMs = performance.now();
      log.info({ signal }, "Stopping.");
      first.resolve(signal);
    } else if (signal === "SIGINT" && performance.now() - firstAtMs > sameWishMs) {
      process.exit(130);
    }
  }
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return first.promise;
}
