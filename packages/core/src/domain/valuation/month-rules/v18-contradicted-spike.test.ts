import { expect, test } from "vitest";
import { registerLine } from "../line/register-line.ts";
import { valuationRules } from "../valuation-rules.ts";
import { isContradicted } from "./v18-contradicted-spike.ts";

test.for([
  { case: "counted less than the interval", total: 5000, amount: 25_000, is: true },
  { case: "counted as much", total: 25_000, amount: 25_000, is: false },
  { case: "less by what two steps hide", total: 23_000, amount: 25_000, is: false },
])("V18 against the register: $case", ({ total, amount, is }) => {
  const reading = (at: number, value: number) => ({ at, value, code: 0, course: "rose" as const });
  const line = registerLine([reading(0, 1000), reading(7200, 1000 + total)], undefined);
  expect(isContradicted(line, { from: 3600, to: 7200, amount }, valuationRules)).toBe(is);
  expect(isContradicted(line, { from: 7200, to: 10_800, amount }, valuationRules), "nothing behind it").toBe(false);
});
