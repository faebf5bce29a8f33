import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { judgedRules } from "./finding.ts";
import { faults } from "./snapshot.ts";

const page = readFileSync(new URL("../../../../../docs/validation.md", import.meta.url), "utf8");

function codesUnder(heading: string): string[] {
  const section = page.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\| `?([A-Za-z0-9_]+)`? \|/gm)].map(([, code]) => code ?? "").slice(1);
}

test("docs/validation.md explains every rule that judges a month, and no other", () => {
  expect(codesUnder("Rules that judge a month")).toEqual([...judgedRules]);
});

test("docs/validation.md explains every fault of a row, and no other", () => {
  expect(codesUnder("Faults of a row").sort()).toEqual([...faults].sort());
});
