import { expect, test } from "vitest";
import { sharedValues } from "./shared-values.ts";

test("what has the same key is the same, and no more are held than may be", () => {
  const shared = sharedValues<object>(1);
  const first = shared("a", () => ({}));
  expect(shared("a", () => ({}))).toBe(first);
  expect(shared("b", () => ({}))).not.toBe(shared("b", () => ({})));
  expect(shared("a", () => ({}))).toBe(first);
});
