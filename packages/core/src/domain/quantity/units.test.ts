import fc from "fast-check";
import { expect, test } from "vitest";
import { baseValue, scaledAmount } from "./units.ts";

test.for([
  { digits: 12_345_678, exponent: -3, unit: "kWh", expected: 12_345_678 },
  { digits: 15, exponent: -1, unit: "MWh", expected: 1_500_000 },
  { digits: 1, exponent: 9, unit: "Wh", expected: 1_000_000_000 },
  { digits: 12_340, exponent: -4, unit: "kWh", expected: 1234 },
  { digits: 12_345, exponent: -4, unit: "kWh", expected: "value_too_precise" },
  { digits: 5, exponent: -1, unit: "Wh", expected: "value_too_precise" },
  { digits: -1, exponent: 0, unit: "L", expected: "value_negative" },
  { digits: Number.NaN, exponent: 0, unit: "L", expected: "value_out_of_range" },
  { digits: Number.MAX_SAFE_INTEGER, exponent: 0, unit: "kWh", expected: "value_out_of_range" },
  { digits: 1, exponent: 10, unit: "Wh", expected: "exponent_invalid" },
  { digits: 1, exponent: Number.NaN, unit: "Wh", expected: "exponent_invalid" },
  { digits: 0, exponent: -9, unit: "varh", expected: 0 },
] as const)("$digits x 10^$exponent $unit is $expected", ({ digits, exponent, unit, expected }) => {
  expect(baseValue(digits, exponent, unit)).toBe(expected);
});

test.for([
  { text: "12345.678", expected: { digits: 12_345_678, exponent: -3 } },
  { text: "0.100000000000000000", expected: { digits: 1, exponent: -1 } },
  { text: "-0.000", expected: { digits: 0, exponent: 0 } },
  { text: "9007199254740993", expected: { digits: Number.NaN, exponent: 0 } },
  { text: "0.0000000001", expected: "value_too_precise" },
  { text: "-0.1", expected: "value_negative" },
  { text: "1e3", expected: "value_invalid" },
  { text: ".5", expected: "value_invalid" },
  { text: "1,5", expected: "value_invalid" },
  { text: "", expected: "value_invalid" },
  { text: `1.${"0".repeat(38)}`, expected: { digits: 1, exponent: 0 } },
  { text: `1.${"0".repeat(39)}`, expected: "value_invalid" },
])("$text is $expected", ({ text, expected }) => {
  expect(scaledAmount(text)).toEqual(expected);
});

test("every amount of whole watt-hours survives the way over its decimal text in kWh", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (wattHours) => {
      const digits = String(wattHours).padStart(4, "0");
      const amount = scaledAmount(`${digits.slice(0, -3)}.${digits.slice(-3)}`);
      if (typeof amount === "string") throw new Error(amount);
      expect(baseValue(amount.digits, amount.exponent, "kWh")).toBe(wattHours);
    }),
  );
});
