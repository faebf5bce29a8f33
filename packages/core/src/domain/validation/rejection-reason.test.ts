import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { rejectionReasons } from "./rejection-reason.ts";

test("docs/validation.md explains every code, and no other", () => {
  const text = readFileSync(new URL("../../../../../docs/validation.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| `(\w+)` \| (.+) \| (.+) \| (.+) \| (.+) \|$/gm)];
  expect(rows.map(([, code]) => code)).toEqual([...rejectionReasons]);
});
