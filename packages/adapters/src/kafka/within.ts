/** Waits for work whose outcome does not matter, for so long at most: saying good-bye to a broker that may be away. */
export async function within(msMax: number, work: Promise<unknown>): Promise<void> {
  const enough = Promise.withResolvers<void>();
  const timer = setTimeout(enough.resolve, msMax);
  await Promise.race([work.catch(() => undefined), enough.promise]);
  clearTimeout(timer);
}
