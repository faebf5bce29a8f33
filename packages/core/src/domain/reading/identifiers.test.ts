import { expect, test } from "vitest";
import { canonicalRegister, isId, registerUnit } from "./identifiers.ts";

test.for([
  { text: "1.8.0", expected: "1.8.0" },
  { text: "1-0:1.8.0", expected: "1.8.0" },
  { text: "7-0:3.0.0", expected: "7-0:3.0.0" },
  { text: "1-0:1.8.0*255", expected: "1.8.0" },
  { text: "1-1:1.8.0*255", expected: "1-1:1.8.0" },
  { text: "1.8.0*01", expected: undefined },
  { text: "1.8", expected: undefined },
  { text: "01.8.0", expected: undefined },
  { text: "1.8.256", expected: undefined },
])("register $text is $expected", ({ text, expected }) => {
  expect(canonicalRegister(text)).toBe(expected);
});

test("ids are safe in topics, paths and cells", () => {
  for (const id of ["m-1", "A", "0.a_b-c", "x".repeat(64)]) expect(isId(id)).toBe(true);
  for (const id of ["", "-m", "=1", "a/b", "a b", "x".repeat(65), "m\n", "ä"]) expect(isId(id)).toBe(false);
});

test.for([
  { register: "1.8.0", expected: "Wh" },
  { register: "2.8.1", expected: "Wh" },
  { register: "15.8.0", expected: "Wh" },
  { register: "1-1:61.8.0", expected: "Wh" },
  { register: "3.8.0", expected: "varh" },
  { register: "48.8.0", expected: "varh" },
  { register: "9.8.0", expected: undefined },
  { register: "96.8.0", expected: undefined },
  { register: "7-0:3.0.0", expected: undefined },
])("$register is counted in $expected", ({ register, expected }) => {
  expect(registerUnit(register)).toBe(expected);
});
