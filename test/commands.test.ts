// Goal: whoever meets a command can ask it what it does, and every command that a page prints exists (N09).
// Method: each npm script as a process of its own; the pages are read.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { repositoryFiles } from "./support/repository/repository-files.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const { scripts } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  scripts: Record<string, string>;
};
/** Ours, not a tool's and not one that npm runs by itself. */
const commands = Object.entries(scripts).filter(
  ([name, line]) => /^(exec )?node /.test(line) && !(name.startsWith("pre") && name.slice(3) in scripts),
);
/** They take no options and are of use in this repository only. */
const withoutOptions = new Set(["docs", "check"]);

async function run(line: string, more: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const [, ...words] = line.replace(/^exec /, "").split(" ");
  const child = spawn(process.execPath, [...words, ...more], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  const [output, errors, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once("exit", resolve)),
  ]);
  return { output, errors, code };
}

const askable = commands.filter(([name]) => !withoutOptions.has(name));

test.for(askable)("N09: npm run %s -- --help says what it does", { timeout: 60_000 }, async ([name, line]) => {
  const { output, errors, code } = await run(line, ["--help"]);
  expect(errors).toBe("");
  expect(code).toBe(0);
  expect(output).toMatch(name === "start" ? /npm start/ : new RegExp(`npm run (-s )?${name}\\b`));
});

/** Options that the pages print behind a command of ours. */
const printed = new Map<string, Set<string>>();
for (const { text: page } of repositoryFiles().filter(({ path }) => path.endsWith(".md"))) {
  for (const [, name = "", rest = ""] of page.matchAll(/npm run (?:-s )?([a-z][a-z-]*) -- ([^\n`#|]*)/g)) {
    const options = printed.get(name) ?? new Set();
    for (const [option] of rest.matchAll(/(?<=^|\s|\[)--[a-z][a-z-]*/g)) if (option !== "--help") options.add(option);
    printed.set(name, options);
  }
}

test.for(askable.filter(([name]) => (printed.get(name)?.size ?? 0) > 0))(
  "N09: npm run %s has the options that the pages print",
  { timeout: 60_000 },
  async ([name, line]) => {
    const { output } = await run(line, ["--help"]);
    expect([...(printed.get(name) ?? [])].filter((option) => !output.includes(option))).toEqual([]);
  },
);

test.for(askable)("N09: npm run %s names an option that it does not have", { timeout: 60_000 }, async ([, line]) => {
  const { errors, code } = await run(line, ["--no-such-option"]);
  expect(errors).toContain("--no-such-option");
  expect(errors).not.toMatch(/^ {4}at /m);
  expect(code).toBe(2);
});

test.for(commands)("npm run %s installs what it needs first", ([name]) => {
  expect(scripts[`pre${name}`]).toBe("node infra/ensure-installed.mjs");
});

test("every command that a page prints exists, and none of them needs a newer Node than npm does", () => {
  const pages = repositoryFiles().filter(({ path }) => path.endsWith(".md"));
  const wrong = pages.flatMap(({ path, text: page }) => [
    ...[...page.matchAll(/npm run (?:-s )?([a-z][a-z-]*)/g)]
      .filter(([, name = ""]) => !(name in scripts))
      .map(([command]) => `${path}: ${command}`),
    ...[...page.matchAll(/^(?!.*docker exec).*\bnode (?!--version)\S*\S+\.ts.*$/gm)].map(
      ([line]) => `${path}: ${line.trim()}`,
    ),
  ]);
  expect(wrong).toEqual([]);
});

test("N10: all that is missing to make servers is said before minutes of building", { timeout: 60_000 }, async () => {
  const cache = await temporaryDirectory();
  const env = { PATH: cache, METERBOOK_SERVERS_CACHE: cache };
  const { output, errors, code } = await run(`${scripts["servers"]} install all`, [], env);
  expect([code, output]).toEqual([1, ""]);
  const first = errors.split("\n").slice(0, 4).join("\n");
  for (const program of ["java", "mvn", "go", "cargo", "clang", "pkg-config"]) expect(first).toContain(`${program} (`);
});
