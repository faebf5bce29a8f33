import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { judgedRules } from "./finding.ts";
import { faults, methods, openingBases } from "./snapshot.ts";

function codesUnder(page: string, heading: string): string[] {
  const text = readFileSync(new URL(`../../../../../docs/${page}.md`, import.meta.url), "utf8");
  const section = text.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\| `?([A-Za-z0-9_-]+)`? \|/gm)].map(([, code]) => code ?? "").slice(2);
}

test("docs/validation.md explains every rule that judges a month, and no other", () => {
  expect(codesUnder("validation", "Rules that judge a month")).toEqual([...judgedRules]);
});

test("docs/validation.md explains every fault of a row, and no other", () => {
  expect(codesUnder("validation", "Faults of a row").sort()).toEqual([...faults].sort());
});

test("docs/estimation.md explains every method and every basis of an opening, and no other", () => {
  expect(codesUnder("estimation", "Methods").sort()).toEqual([...methods].sort());
  expect(codesUnder("estimation", "What a month opens with").sort()).toEqual([...openingBases].sort());
});
