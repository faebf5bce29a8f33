// Finds metrics, events and log lines in the sources, and keeps the tables of docs/telemetry.md.
// `npm run docs` writes them, test/tidy.test.ts compares.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import ts from "typescript";

const docPath = "docs/telemetry.md";
const metricKinds = new Set(["Counter", "Gauge", "Histogram", "Summary"]);

interface Source {
  readonly path: string;
  readonly nodes: readonly ts.Node[];
}

type Table = readonly (readonly string[])[];

/** The text of docs/telemetry.md as it is and as the code says it should be. */
export function telemetryDoc(root: URL): { readonly present: string; readonly right: string } {
  const sources = readSources(root);
  const present = readFileSync(new URL(docPath, root), "utf8");
  const sections = {
    metrics: section("Metrics", ["Metric", "Type", "Labels", "Meaning"], metrics(sources)),
    events: section("Events", ["Service", "Event", "Facts"], events(sources)),
    "log lines": section("Log lines", ["Level", "Line", "Where"], logLines(sources)),
  };
  let right = present;
  for (const [name, text] of Object.entries(sections)) right = replaced(right, name, text);
  return { present, right };
}

function readSources(root: URL): Source[] {
  const paths = globSync("{packages,services}/*/src/**/*.ts", { cwd: root })
    .filter((path) => !/\.test\.ts$|\/fixtures\/|node_modules/.test(path))
    .sort();
  return paths.map((path) => {
    const text = readFileSync(new URL(path, root), "utf8");
    return { path, nodes: allNodes(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)) };
  });
}

function allNodes(node: ts.Node): ts.Node[] {
  const below: ts.Node[] = [];
  ts.forEachChild(node, (child) => void below.push(...allNodes(child)));
  return [node, ...below];
}

function metrics(sources: readonly Source[]): Table {
  const rows = sources.flatMap(({ nodes }) => nodes.filter(ts.isNewExpression).flatMap(metricRow));
  return rows.sort(byText);
}

function metricRow(made: ts.NewExpression): string[][] {
  const kind = made.expression.getText();
  const options = made.arguments?.[0];
  if (!metricKinds.has(kind) || options === undefined || !ts.isObjectLiteralExpression(options)) return [];
  const [name = "(computed)"] = literalsOf(options, "name");
  const labels = literalsOf(options, "labelNames").map((label) => `\`${label}\``);
  return [[`\`${name}\``, kind.toLowerCase(), labels.join(", "), literalsOf(options, "help").join("")]];
}

/** The string literals in the value of a property. */
function literalsOf(object: ts.ObjectLiteralExpression, property: string): string[] {
  const found = object.properties.filter(ts.isPropertyAssignment).find(({ name }) => name.getText() === property);
  if (found === undefined) return [];
  return allNodes(found.initializer)
    .filter(ts.isStringLiteralLike)
    .map(({ text }) => text);
}

/** An event is a member of an interface `…Events`. */
function events(sources: readonly Source[]): Table {
  return sources.flatMap(({ path, nodes }) => {
    const interfaces = nodes.filter(ts.isInterfaceDeclaration).filter(({ name }) => name.text.endsWith("Events"));
    const members = interfaces.flatMap((declared) => declared.members.filter(ts.isMethodSignature));
    return members.map((member) => {
      const facts = member.parameters.flatMap(allNodes).filter(ts.isPropertySignature);
      const names = facts.map((fact) => `\`${fact.name.getText()}\``);
      return [path.split("/")[1] ?? "", `\`${member.name.getText()}\``, names.join(", ")];
    });
  });
}

/** A log line is a call `log.<level>(fields, "text")`. */
function logLines(sources: readonly Source[]): Table {
  const rows = sources.flatMap(({ path, nodes }) =>
    nodes.filter(ts.isCallExpression).flatMap((call) => {
      const level = /(?:^|\.)log\.(debug|info|warn|error)$/.exec(call.expression.getText())?.[1];
      const line = call.arguments[1];
      return level === undefined || line === undefined ? [] : [[level, textOf(line), path.replace("/src/", "/")]];
    }),
  );
  return rows.sort((a, b) => byText([a[2] ?? "", a[1] ?? ""], [b[2] ?? "", b[1] ?? ""]));
}

function textOf(line: ts.Expression): string {
  if (ts.isStringLiteralLike(line)) return line.text;
  return line.getText().replaceAll("`", "").replaceAll("|", "\\|");
}

function byText(a: readonly string[], b: readonly string[]): number {
  return a.join("\n") < b.join("\n") ? -1 : 1;
}

function section(title: string, head: readonly string[], rows: Table): string {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return [`## ${title}`, ...new Set(lines)].join("\n").replaceAll("|  |", "| |");
}

function replaced(text: string, name: string, body: string): string {
  const [begin, end] = [`<!-- begin: ${name} -->`, `<!-- end: ${name} -->`];
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${docPath} has no section ${name}`);
  return `${before}${begin}\n${body}\n${end}${after}`;
}

if (import.meta.main) {
  const root = new URL("../../../", import.meta.url);
  writeFileSync(new URL(docPath, root), telemetryDoc(root).right);
}
