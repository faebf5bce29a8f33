// Goal: no regular expression of ours takes more than linear time, whatever it is given (H03).
// Method: every literal in the sources is run over long texts made of the characters that it names, alone and in pairs,
// with an end that does not match. An expression that backtracks takes seconds for them.
import ts from "typescript";
import { expect, test } from "vitest";
import { repositoryFiles } from "./support/repository/repository-files.ts";

const lengths = [24, 400, 20_000];
/** A linear walk over the longest takes less than one; quadratic ones take hundreds. */
const millisecondsMax = 60;

interface Literal {
  readonly place: string;
  readonly pattern: RegExp;
}

function literalsOf(path: string, text: string): Literal[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: Literal[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf("/");
      const { line } = file.getLineAndCharacterOfPosition(node.getStart());
      const pattern = new RegExp(node.text.slice(1, end), node.text.slice(end + 1));
      found.push({ place: `${path}:${line + 1}: ${node.text}`, pattern });
    }
    if (isMadeOfText(node)) {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart());
      const [text, flags] = (node.arguments ?? []).map((one) => textOf(one));
      found.push({ place: `${path}:${line + 1}: ${node.getText()}`, pattern: new RegExp(text ?? "", flags ?? "") });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function isMadeOfText(node: ts.Node): node is ts.NewExpression | ts.CallExpression {
  return (ts.isNewExpression(node) || ts.isCallExpression(node)) && node.expression.getText() === "RegExp";
}

/** What is put in where it runs is a word of ours (a name, a path of a route), and stands for any. */
function textOf(node: ts.Expression): string {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) throw new Error(`${node.getText()}: an expression that cannot be tried here`);
  return node.head.text + node.templateSpans.map(({ literal }) => `/[^/]+/word${literal.text}`).join("");
}

function* attacks({ source }: RegExp): Generator<string> {
  const named = [...new Set([...source.replaceAll(/\\[a-zA-Z]/g, ""), ..."0a _/\r\n"])];
  const units = [...named, ...named.slice(0, 12).flatMap((one) => named.slice(0, 12).map((other) => one + other))];
  for (const length of lengths) {
    for (const unit of units) yield `${unit.repeat(Math.ceil(length / unit.length))}\u0000`;
  }
}

function millisecondsOf(pattern: RegExp, text: string): number {
  pattern.lastIndex = 0;
  const before = process.cpuUsage();
  pattern.test(text);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function slowOn(pattern: RegExp): string | undefined {
  for (const text of attacks(pattern)) {
    // The machine has other work: what is slow is slow again.
    if ([1, 2, 3].every(() => millisecondsOf(pattern, text) > millisecondsMax)) return JSON.stringify(text.slice(0, 8));
  }
  return undefined;
}

const sources = repositoryFiles().filter(
  ({ path }) => /^(packages|services|simulators)\/.*\.ts$/.test(path) && !path.endsWith(".test.ts"),
);
const literals = sources.flatMap(({ path, text }) => literalsOf(path, text));

test("the expression of H03 is found out", () => {
  expect(slowOn(/0+$/)).toBe('"00000000"');
  expect(slowOn(/^\d{4}-\d\d$/)).toBeUndefined();
});

test("expressions made of text are among them", () => {
  const source = ["const a = new RegExp(`^$", "{b}0+$`); const c = RegExp('x+', 'u');"].join("");
  expect(literalsOf("x.ts", source).map(({ pattern }) => String(pattern))).toEqual(["/^\\/[^/]+\\/word0+$/", "/x+/u"]);
  expect(() => literalsOf("x.ts", "new RegExp(given)")).toThrow("given: an expression that cannot be tried here");
});

test("no regular expression goes back over what it has seen", { timeout: 60_000 }, () => {
  expect(literals.length).toBeGreaterThan(40);
  expect(literals.filter(({ pattern }) => slowOn(pattern) !== undefined).map(({ place }) => place)).toEqual([]);
});
