import { expect, test } from "vitest";
import { type Shared, sharedWrites } from "./shared-writes.ts";

function scripted(answers: boolean[]) {
  const sent: string[] = [];
  const writes = sharedWrites({ linesMax: 10 });
  const join = (text: string, lines = 1) =>
    writes.join(text, lines, async (all) => {
      sent.push(all);
      return answers.shift() ?? true;
    });
  return { sent, join };
}

function done(shared: Shared): void {
  if (shared.how === "alone") shared.done();
}

test("the first writes alone, and what comes meanwhile shares one request", async () => {
  const { sent, join } = scripted([true]);
  const first = await join("a");
  expect(first.how).toBe("alone");
  const others = [join("b"), join("c"), join("d")];
  expect(sent).toEqual([]);
  done(first);
  expect((await Promise.all(others)).map(({ how }) => how)).toEqual(["stored", "stored", "stored"]);
  expect(sent).toEqual(["bcd"]);
  expect((await join("e")).how).toBe("alone");
});

test("what comes at the same time shares one request", async () => {
  const { sent, join } = scripted([true]);
  const all = await Promise.all([join("a"), join("b")]);
  expect(all.map(({ how }) => how)).toEqual(["stored", "stored"]);
  expect(sent).toEqual(["ab"]);
});

test("a request that fails is nobody's: each writes for itself, and the next go on after the last of them", async () => {
  const { sent, join } = scripted([false, true]);
  const first = await join("a");
  const [second, third] = [join("b"), join("c")];
  done(first);
  const [b, c] = await Promise.all([second, third]);
  expect([b.how, c.how]).toEqual(["alone", "alone"]);
  const later = [join("d"), join("e")];
  done(b);
  expect(sent).toEqual(["bc"]);
  done(c);
  expect((await Promise.all(later)).map(({ how }) => how)).toEqual(["stored", "stored"]);
  expect(sent).toEqual(["bc", "de"]);
});

test("a request holds no more lines than it may, but for a caller that has more by itself", async () => {
  const { sent, join } = scripted([]);
  const first = await join("a");
  const others = [join("b", 6), join("c", 4), join("d", 4), join("e", 20)];
  done(first);
  expect((await others[0])?.how).toBe("stored");
  expect((await others[1])?.how).toBe("stored");
  done((await others[2]) as Shared);
  done((await others[3]) as Shared);
  expect(sent).toEqual(["bc"]);
});
