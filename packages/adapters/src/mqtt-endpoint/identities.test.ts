import { expect, test } from "vitest";
import { identitiesOf, parseIdentities } from "./identities.ts";

test("H03: a concentrator of 100 000 beginnings is asked as fast as one of a few", () => {
  const meters = Array.from({ length: 100_000 }, (_, i) => `m-${i}*`);
  const [one] = parseIdentities(JSON.stringify({ name: "c", meters }));
  const sender = identitiesOf(one === undefined ? [] : [one]).certified("c");
  const before = process.cpuUsage();
  for (let i = 0; i < 2000; i += 1) expect(sender?.speaksFor("x-1")).toBe(false);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(400);
});

test.for([
  { meters: ["m-1*"], id: "m-1", speaks: true },
  { meters: ["m-1*"], id: "m-12", speaks: true },
  { meters: ["m-12*"], id: "m-1", speaks: false },
  { meters: ["m-1"], id: "m-12", speaks: false },
  { meters: ["m-1", "x*"], id: "x-7", speaks: true },
])("of $meters, $id: $speaks", ({ meters, id, speaks }) => {
  expect(
    identitiesOf([{ name: "c", meters }])
      .certified("c")
      ?.speaksFor(id),
  ).toBe(speaks);
});

test("H03: a line that is wrong in a million places is told in a few lines", () => {
  const text = `{"name":"c","meters":[${'"+",'.repeat(200_000)}"+"]}`;
  expect(() => parseIdentities(text)).toThrow(/^(line 1: [^\n]+\n?){1,20}$/);
});
