// Goal: whatever the API may say has a message in both languages, and every message can be made.

import { origins } from "@meterbook/core/domain/reading/reading";
import { faults, methods, snapshotQualities } from "@meterbook/core/domain/snapshot/snapshot";
import { rejectionReasons as reasonsOfIntake } from "@meterbook/core/domain/validation/rejection-reason";
import { IntlMessageFormat } from "intl-messageformat";
import { expect, test } from "vitest";
import { rejectionReasons } from "../intake/rejection.ts";
import { messages as english } from "./en/messages.ts";
import { messages as ukrainian } from "./uk/messages.ts";

const languages = [
  ["en", english],
  ["uk", ukrainian],
] as const;

test.each(languages)("every method, fault, quality and origin has its words: %s", (_, messages) => {
  const wanted = [
    ...methods.flatMap((method) => [`why.${method}`, `method.${method}`]),
    ...faults.map((fault) => `fault.${fault}`),
    ...snapshotQualities.map((quality) => `quality.${quality}`),
    ...origins.map((origin) => `origin.${origin}`),
  ];
  expect(wanted.filter((id) => !Object.hasOwn(messages, id))).toEqual([]);
});

test.each(languages)(
  "every message is one that can be made, with the values of the English one: %s",
  (language, messages) => {
    for (const [id, text] of Object.entries(messages)) {
      const named = (of: string) => new Set([...of.matchAll(/\{\s*(\w+)\s*[,}]/g)].map(([, name]) => name));
      const values = Object.fromEntries([...named(text)].map((name) => [name, 3]));
      expect([id, String(new IntlMessageFormat(text, language).format(values))]).not.toContain("");
      expect([id, ...named(text)].sort()).toEqual([id, ...named(english[id as keyof typeof english])].sort());
    }
  },
);

test("Ukrainian counts as Ukrainian does", () => {
  const say = (count: number) => new IntlMessageFormat(ukrainian["search.count"], "uk").format({ count });
  expect([1, 3, 11, 25, 101].map(say)).toEqual([
    "1 лічильник",
    "3 лічильники",
    "11 лічильників",
    "25 лічильників",
    "101 лічильник",
  ]);
});

test("whatever a message can be refused for can be chosen", () => {
  expect([...rejectionReasons].sort()).toEqual([...reasonsOfIntake].sort());
});
