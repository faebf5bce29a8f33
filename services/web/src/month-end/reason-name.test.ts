import { beforeAll, expect, test } from "vitest";
import { messages } from "../language/uk/messages.ts";
import { reasonName } from "./reason-name.ts";

beforeAll(async () => {
  const { speak } = await import("../language/language.ts");
  Object.assign(globalThis, { document: { documentElement: { lang: "" } } });
  await speak("uk");
});

test.for([
  ["window closed", messages["issued.closed"]],
  ["boundary passed", messages["issued.boundary"]],
  ["inputs changed: exchange at 12:00", `${messages["issued.changed"]}: exchange at 12:00`],
  ["inputs changed after final", messages["issued.changedAfterFinal"]],
  ["void: the meter is another's", `${messages["issued.void"]}: the meter is another's`],
  ["revision 3 cannot be read", "revision 3 cannot be read"],
  ["window closedness", "window closedness"],
] as const)("%s is told in the language in use", ([reason, told]) => {
  expect(reasonName(reason)).toBe(told);
});
