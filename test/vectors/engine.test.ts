// Goal: each kind of trouble that went wrong for others gives the right month by the engine alone, in whatever order
// readings came.
// Method: the vectors of test/vectors/cases through the door's own reader, folded by instant, and given to the engine.
import { expect, test } from "vitest";
import { differentMonths, monthsNamed } from "./compare-rows.ts";
import { engineMonths } from "./engine-months.ts";
import { notYet } from "./not-yet.ts";
import { readVectors, type Vector, vectorId } from "./vector.ts";
import { messagesOf } from "./vector-messages.ts";

function differencesOf(vector: Vector): string[] {
  const messages = vector.stages.flatMap(messagesOf);
  const orders = vector.order === "any" ? { given: messages, reversed: messages.toReversed() } : { given: messages };
  return Object.entries(orders).flatMap(([order, ordered]) =>
    Object.entries(vector.expect).flatMap(([meter, expected]) => {
      // Whether a month is issued at all is for the aggregator to say.
      const months = Object.fromEntries(Object.entries(expected.months ?? {}).filter(([, rows]) => rows !== null));
      const names = monthsNamed({ ...expected, months, unchanged: [], reasons: {} });
      if (names.length === 0) return [];
      const found = engineMonths(vector, meter, ordered, names);
      return differentMonths({ ...expected, months }, found).map((text) => `${order}: ${meter} ${text}`);
    }),
  );
}

test.for(readVectors().map((vector) => [vectorId(vector), vector] as const))("%s", ([id, vector]) => {
  const found = differencesOf(vector);
  if (notYet.engine.has(id)) expect(found, `${id} holds: take it from the list not-yet`).not.toEqual([]);
  else expect(found, vector.why).toEqual([]);
});

test("the list of those that do not hold yet names vectors that there are", () => {
  const known = new Set(readVectors().map(vectorId));
  expect([...notYet.engine].filter((id) => !known.has(id))).toEqual([]);
});
