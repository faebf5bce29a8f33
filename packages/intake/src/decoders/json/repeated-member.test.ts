import fc from "fast-check";
import { expect, test } from "vitest";
import { countJsonEntries } from "./json-bounds.ts";
import { repeatedMember } from "./repeated-member.ts";

function repeatedIn(text: string): string | undefined {
  const entries = countJsonEntries(Buffer.from(text), { depthMax: 1000, entriesMax: 1_000_000 });
  return repeatedMember(text, JSON.parse(text), Number(entries));
}

test.for([
  { text: '{"a":1,"a":1}', expected: "a" },
  { text: '{"a":[1,2],"b":{"c":{},"\\u0063":[]}}', expected: "c" },
  { text: '{"readings":[{"value":"1"}],"readings":[]}', expected: "readings" },
  { text: '[{"a":{"x":1}},{"b":2,"a":3 , "b" : "a"}]', expected: "b" },
  { text: '{"":0,"":0}', expected: "" },
  { text: '{"__proto__":{},"__proto__":1}', expected: "__proto__" },
  { text: '{"a":["a","a"],"b":{"a":"b"},"c":"\\",\\"a\\":"}', expected: undefined },
  { text: '[{"a":1},{"a":1},[],{}]', expected: undefined },
  { text: "1", expected: undefined },
])("$text: $expected", ({ text, expected }) => {
  expect(repeatedIn(text)).toBe(expected);
});

test("no JSON that was made of a value has one; a member that is put in once more is found", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue(), { minKeys: 1 }), (value) => {
      const text = JSON.stringify(value);
      expect(repeatedIn(text)).toBeUndefined();
      const name = Object.keys(value).at(-1) ?? "";
      const more = `[${text.slice(0, -1)},${JSON.stringify(name)}:${JSON.stringify(value)}}]`;
      expect(repeatedIn(more)).toBe(name);
    }),
  );
});
