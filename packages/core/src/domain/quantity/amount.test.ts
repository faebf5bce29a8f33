import { expect, test } from "vitest";
import { baseAmount } from "./amount.ts";

test.for([
  { amount: "12345.678", unit: "kWh", expected: 12_345_678 },
  { amount: 12_345.678, unit: "kWh", expected: 12_345_678 },
  { amount: "1.5", unit: "MWh", expected: 1_500_000 },
  { amount: "0.001", unit: "m3", expected: 1 },
  { amount: "1.0000", unit: "kWh", expected: 1000 },
  { amount: "0.0001", unit: "kWh", expected: undefined },
  { amount: 1.5, unit: "Wh", expected: undefined },
  { amount: -1, unit: "Wh", expected: undefined },
  { amount: "1e3", unit: "Wh", expected: undefined },
  { amount: 1e21, unit: "Wh", expected: undefined },
  { amount: "9007199254740993", unit: "Wh", expected: undefined },
  { amount: "", unit: "Wh", expected: undefined },
] as const)("$amount $unit is $expected", ({ amount, unit, expected }) => {
  expect(baseAmount(amount, unit)).toBe(expected);
});
