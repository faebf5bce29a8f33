/**
 * `amount * part / whole` to the nearest whole unit, a half downwards; exact where the product leaves the safe
 * integers.
 */
export function share(amount: number, part: number, whole: number): number {
  const product = 2 * amount * part;
  if (Number.isSafeInteger(2 * (product + whole))) return Math.ceil((product - whole) / (2 * whole));
  const [of, divisor] = [2n * BigInt(amount) * BigInt(part), 2n * BigInt(whole)];
  const numerator = of - BigInt(whole);
  return Number(numerator <= 0n ? 0n : (numerator + divisor - 1n) / divisor);
}
