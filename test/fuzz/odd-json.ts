import fc from "fast-check";

const numbers = [
  "0",
  "-0",
  "1",
  "-1",
  "1.5",
  "1e3",
  "1E-3",
  "1e400",
  "1e-400",
  "9007199254740991",
  "9007199254740993",
  "1.50",
  "12345.678",
];
const words = [
  "1.8.0",
  "m-1",
  "Wh",
  "kWh",
  "m3",
  "actual",
  "interval",
  "2026-10-31T22:00:00Z",
  "2026-10-31T22:00:60Z",
  "Europe/Kyiv",
  "=1+1",
];
const odd = [
  "",
  "\u0000",
  "\ud800",
  "\u202e",
  "__proto__",
  "constructor",
  "a".repeat(300),
  "\n",
  '"',
  "\\",
  "/",
  "+",
  "#",
  "1e5",
  "0x10",
];
const escaped = ['"\\ud800"', '"\\u0000"', '"\\u005f_proto__"', '"\\/"'];

const scalar = fc.oneof(
  fc.constantFrom(...numbers),
  fc.constantFrom(...words, ...odd).map((text) => JSON.stringify(text)),
  fc.constantFrom("true", "false", "null", ...escaped),
  fc.double().map((value) => String(value)),
);

/**
 * Text that is JSON by form, with the given names and odd ones, names that repeat, and numbers with unusual spellings.
 * A value that is made first and then written would not have those.
 */
export function oddJson(names: readonly string[]): fc.Arbitrary<Buffer> {
  const name = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...names) },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  );
  const { value } = fc.letrec<{ value: string; array: string; object: string }>((tie) => ({
    value: fc.oneof({ depthSize: "small", withCrossShrink: true }, scalar, tie("object"), tie("array")),
    array: fc.array(tie("value"), { maxLength: 5 }).map((items) => `[${items.join(",")}]`),
    object: fc
      .array(fc.tuple(name, tie("value")), { maxLength: 8 })
      .map((members) => `{${members.map(([key, member]) => `${JSON.stringify(key)}:${member}`).join(",")}}`),
  }));
  return value.map((text) => Buffer.from(text));
}
