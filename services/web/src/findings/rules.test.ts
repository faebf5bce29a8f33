import { judgedRules } from "@meterbook/core/domain/snapshot/finding";
import { expect, test } from "vitest";
import { ruleTexts as english } from "../language/en/rule-messages.ts";
import { ruleTexts as ukrainian } from "../language/uk/rule-messages.ts";
import { rules } from "./rules.ts";

test("findings are listed by each rule that the engine has, and each has its words in both languages", () => {
  expect(rules).toEqual(judgedRules);
  for (const texts of [english, ukrainian]) expect(Object.keys(texts).sort()).toEqual([...judgedRules].sort());
});
