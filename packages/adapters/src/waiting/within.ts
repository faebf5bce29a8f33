/** Waits for work whose outcome does not matter, for so long at most: saying good-bye to a broker that may be away. */
export async function within(msMax: number, work: Promise<unknown>): Promise<"done" | "late"> {
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(() => late.resolve("late"), msMax);
  const done = work.then(
    () => "done" as const,
    () => "done" as const,
  );
  const outcome = await Promise.race([done, late.promise]);
  clearTimeout(timer);
  return outcome;
}
