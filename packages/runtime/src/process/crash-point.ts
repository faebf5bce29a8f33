/** Marks a place where the process may be made to die; the name says what has just happened. */
export type CrashPoint = (name: string) => void;

const passThrough: CrashPoint = () => {};

/**
 * For crash tests: `METERBOOK_CRASH_AT=name` or `name:n` kills this process with SIGKILL exactly when the point is
 * passed for the n-th time, so that nothing after it runs, in no thread. Without a spec the point is an empty function.
 */
export function crashPoints(spec: string | undefined): CrashPoint {
  if (spec === undefined) return passThrough;
  const [target, count] = spec.split(":");
  let passingsLeft = Number(count ?? 1);
  return (name) => {
    if (name !== target) return;
    passingsLeft -= 1;
    if (passingsLeft === 0) process.kill(process.pid, "SIGKILL");
  };
}
