// Goal: the house rules that no linter knows. Method: read the repository and compare.

import { globSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { posix } from "node:path";
import { loadSettings } from "@meterbook/runtime/settings/load-settings";
import { settingNames } from "@meterbook/runtime/settings/setting-schema";
import { expect, test } from "vitest";
import { versions } from "../infra/servers/installed-servers.ts";
import vitestConfig from "../vitest.config.ts";
import { repositoryFiles } from "./support/repository/repository-files.ts";
import { telemetryDoc } from "./support/repository/telemetry-doc.ts";
import { images } from "./support/servers/container-process.ts";

const root = new URL("../", import.meta.url);
const files = repositoryFiles();
const sources = files.filter(({ path }) => /^(packages|services|simulators|test)\/.*\.ts$/.test(path));

/** Ports whose suite is not written yet. */
const suitesToCome = new Set<string>(["damage-log"]);
/** Adapters that no suite runs yet. */
const runsToCome = new Set<string>([]);
/** Files that are still to be divided. */
const longForNow = new Set<string>([]);

/** A port is a file that promises something of "every adapter". */
const ports = files
  .filter(({ path, text }) => /^packages\/core\/src\/ports\/[a-z-]+\.ts$/.test(path) && text.includes("every adapter"))
  .map(({ path }) => baseName(path));

function baseName(path: string): string {
  return path.split("/").at(-1)?.replace(/\.ts$/, "") ?? "";
}

function textOf(path: string): string {
  return files.find((file) => file.path === path)?.text ?? "";
}

/** `path:line: text` of every line that matches, so that a failure says where. */
function linesWith(pattern: RegExp, among: typeof files): string[] {
  return among.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

test("there is something to check", () => {
  expect(sources.length).toBeGreaterThan(50);
  expect(ports.length).toBeGreaterThan(5);
});

test("every port has a contract suite", () => {
  const without = ports.filter((port) => textOf(`test/contracts/${port}.contract.ts`) === "");
  expect(without.filter((port) => !suitesToCome.has(port))).toEqual([]);
});

test("every adapter is run by its port's contract suite", () => {
  const runners = files.filter(({ path }) => /^test\/contracts\/.*\.test\.ts$/.test(path));
  const adapters = files.filter(({ path }) => /^packages\/adapters\/src\/[^/]+\/.*[a-z-]+\.ts$/.test(path));
  const notRun = adapters.filter(({ path }) => {
    const port = ports.find((name) => baseName(path).endsWith(`-${name}`));
    const module = path.replace("packages/adapters/src/", "@meterbook/adapters/").replace(/\.ts$/, '"');
    return (
      port !== undefined && !runners.some(({ text }) => text.includes(module) && text.includes(`${port}.contract`))
    );
  });
  expect(notRun.map(({ path }) => baseName(path)).filter((name) => !runsToCome.has(name))).toEqual([]);
});

test("an adapter's file is named after its technology's folder and its port", () => {
  const misnamed = files.filter(({ path }) => {
    const [, technology] = /^packages\/adapters\/src\/([^/]+)\//.exec(path) ?? [];
    return technology !== undefined && ports.some((port) => path.endsWith(`/${port}.ts`));
  });
  expect(misnamed.map(({ path }) => path)).toEqual([]);
});

test("no notes to self: what is open is an issue", () => {
  const note = new RegExp(
    `\\b(${["TO", "FIX", "X"].map((start, index) => start + ["DO", "ME", "XX"][index]).join("|")})\\b`,
  );
  expect(linesWith(note, files)).toEqual([]);
});

test("no file of a package or a service is longer than 300 lines", () => {
  const long = files.filter(
    ({ path, text }) => /^(packages|services)\/.*(?<!\.test)\.ts$/.test(path) && text.split("\n").length > 300,
  );
  expect(long.map(({ path }) => path).filter((path) => !longForNow.has(path))).toEqual([]);
});

test("no file is named after nothing", () => {
  const vague = sources.filter(({ path }) => /\/(utils?|helpers?|common|types|index|misc)\.ts$/.test(path));
  expect(vague.map(({ path }) => path)).toEqual([]);
});

/** Where a process begins, and what each language of the pages has. */
const sharedNames = /^(main|.*messages)\.ts$/;

test("a file's name stands for one file", () => {
  const byName = Map.groupBy(
    sources.map(({ path }) => path),
    (path) => path.split("/").at(-1) ?? "",
  );
  const twice = [...byName].filter(([name, paths]) => paths.length > 1 && !sharedNames.test(name));
  expect(twice.map(([, paths]) => paths)).toEqual([]);
});

test("no folder of a package or a service is crowded: it would hold several kinds of things", () => {
  const filesMax = 15;
  const code = sources.filter(
    ({ path }) => /^(packages|services|simulators)\//.test(path) && !/\.test\.ts$/.test(path),
  );
  const folders = Map.groupBy(code, ({ path }) => path.replace(/\/[^/]*$/, ""));
  const crowded = [...folders].filter(([, inside]) => inside.length > filesMax);
  expect(crowded.map(([folder, inside]) => `${folder}: ${inside.length} files`)).toEqual([]);
});

test("no two folders side by side need each other", () => {
  const code = files.filter(({ path }) => /^(packages|services|simulators)\/.*(?<!\.test)\.tsx?$/.test(path));
  const needs = new Set(code.flatMap(roomsNeeded));
  const meeting = [...needs].flatMap((need) => {
    const [parent, from = "", to = ""] = need.split(" ");
    return from < to && needs.has(`${parent} ${to} ${from}`) ? [`${parent}: ${from} and ${to}`] : [];
  });
  expect(meeting).toEqual([]);
});

/** `parent from to` for each import that leads from one folder of the parent into another. */
function roomsNeeded({ path, text }: { readonly path: string; readonly text: string }): string[] {
  return [...text.matchAll(/ from "(\.[^"]*)"/g)].flatMap(([, spec = ""]) => {
    const [here, there] = [path, posix.join(path, "..", spec)].map((file) => file.split("/"));
    if (here === undefined || there === undefined) return [];
    const depth = here.findIndex((name, index) => name !== there[index]);
    const areRooms = depth < here.length - 1 && depth < there.length - 1;
    return areRooms ? [`${here.slice(0, depth).join("/")} ${here[depth]} ${there[depth]}`] : [];
  });
}

test("nothing names a path of one machine or a package registry", () => {
  const machinePath = /(^|[\s"'`(=:])\/(work|home|root|Users|mnt)\/\w|\b[A-Z]:\\Users/;
  const registry = /"resolved": "https?:|^registry=|\/\/[\w.-]*(registry|artifactory|nexus|verdaccio)[\w-]*\./;
  const own = files.filter(({ path }) => path !== "test/tidy.test.ts");
  expect(linesWith(machinePath, own)).toEqual([]);
  expect(linesWith(registry, own)).toEqual([]);
});

test("dependencies are pinned to one version", () => {
  const manifests = files.filter(({ path }) => /(^|\/)package\.json$/.test(path));
  const loose = manifests.flatMap(({ path, text }) => {
    const { dependencies, devDependencies } = JSON.parse(text) as Record<string, Record<string, string> | undefined>;
    const wanted = Object.entries({ ...dependencies, ...devDependencies });
    return wanted.filter(([, version]) => !/^\d/.test(version)).map(([name]) => `${path}: ${name}`);
  });
  expect(loose).toEqual([]);
});

test("every test file belongs to exactly one project of vitest", () => {
  const projects = (vitestConfig.test?.projects ?? []) as readonly {
    test: { include: string[]; exclude?: string[] };
  }[];
  const owned = projects.flatMap(({ test: { include, exclude = [] } }) => globSync(include, { cwd: root, exclude }));
  const wanted = sources.map(({ path }) => path).filter((path) => path.endsWith(".test.ts"));
  expect(owned.filter((path) => !path.includes("node_modules")).sort()).toEqual(wanted.sort());
});

/** The rows of a table of settings: `| NAME | default | meaning |`. */
function settingRows(text: string): [name: string, fallback: string][] {
  const rows = [...text.matchAll(/^\| +`(METERBOOK_[A-Z0-9_]+)` +\| +(?:`([^`]*)`)? *\|/gm)];
  return rows.map(([, name = "", fallback = ""]) => [name, fallback]);
}

test("docs/operations.md lists every setting with its default, and no other", () => {
  const rows = settingRows(textOf("docs/operations.md"));
  expect(rows.map(([name]) => name).sort()).toEqual([...settingNames].sort());
  const written = Object.fromEntries(rows.filter(([, fallback]) => fallback !== ""));
  expect(loadSettings(written)).toEqual(loadSettings({}));
  const left = settingRows(textOf("README.md")).filter(
    ([name, fallback]) => written[name] !== undefined && written[name] !== fallback,
  );
  expect(left).toEqual([]);
});

test("every METERBOOK_ name in the code is a setting", () => {
  const known = new Set<string>(settingNames);
  const code = files.filter(
    ({ path }) => /\.(ts|mjs|json|ya?ml)$|^\.ci\//.test(path) && !/^packages\/runtime\/.*\.test\.ts$/.test(path),
  );
  const unknown = code.flatMap(({ path, text }) =>
    [...text.matchAll(/METERBOOK_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_])/g)]
      .map(([name]) => name)
      .filter((name) => !known.has(name) && !/^METERBOOK_(TEST|BENCH|SERVERS|COMPOSE)_/.test(name))
      .map((name) => `${path}: ${name}`),
  );
  expect(unknown).toEqual([]);
});

test("docs/telemetry.md is what the code says (npm run docs writes it)", () => {
  const { present, right } = telemetryDoc(root);
  expect(present).toBe(right);
});

test("compose.yaml gives the services settings that they know", () => {
  const services = textOf("infra/compose.yaml");
  const given = [...services.matchAll(/^ +(METERBOOK_[A-Z_]+):/gm)].map(([, name]) => name);
  expect(given.length).toBeGreaterThan(5);
  expect(given.filter((name) => !settingNames.some((known) => known === name))).toEqual([]);
});

test("the dashboard shows metrics that there are", () => {
  const documented = textOf("docs/telemetry.md");
  const shown = textOf("infra/compose/grafana/dashboards/meterbook.json").match(/meterbook_[a-z_]+/g) ?? [];
  expect(shown.length).toBeGreaterThan(10);
  expect(shown.filter((name) => !documented.includes(`\`${name.replace(/_bucket$/, "")}\``))).toEqual([]);
});

test("one version of each server, wherever it is named", () => {
  const { kafka, influxdb, telegraf, compose } = versions;
  expect(textOf("infra/servers/kafka/pom.xml")).toContain(`<version>${kafka}</version>`);
  expect(textOf("infra/servers/influxdb/go.mod")).toContain(`github.com/influxdata/influxdb/v2 v${influxdb} `);
  expect(textOf("infra/servers/telegraf/go.mod")).toContain(`github.com/influxdata/telegraf v${telegraf} `);
  expect(textOf("infra/servers/compose/go.mod")).toContain(`github.com/docker/compose/v2 v${compose} `);
  for (const image of Object.values(images)) {
    expect(textOf("infra/compose.yaml")).toContain(`image: ${image}\n`);
    expect(textOf("infra/stand-ins/make")).toContain(`build ${image} `);
  }
});

test("prose is at most 120 columns wide: tables, code and addresses that cannot be broken are let be", () => {
  const columnsMax = 120;
  const pages = files.filter(({ path }) => path.endsWith(".md"));
  const wide = pages.flatMap(({ path, text }) => {
    let isCode = false;
    return text.split("\n").flatMap((line, index) => {
      const isFence = /^\s*```/.test(line);
      if (isFence) isCode = !isCode;
      const isFree = isCode || isFence || /^\s*\|/.test(line) || !/\S\s+\S/.test(line.slice(0, columnsMax + 1).trim());
      return isFree || line.length <= columnsMax ? [] : [`${path}:${index + 1}: ${line.length} columns`];
    });
  });
  expect(wide).toEqual([]);
});

test("comments are at most 120 columns wide, as the code beside them", () => {
  const code = files.filter(({ path }) => /\.(ts|tsx|mjs)$/.test(path));
  expect(linesWith(/^(?=.{121})\s*(\/\/ (?!biome-ignore)|\/\*\* (?!biome-ignore)|\* )\S+ /, code)).toEqual([]);
});

test("a test that a page names is there", () => {
  const pages = files.filter(({ path }) => path.endsWith(".md"));
  const named = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/`((?:packages|services|simulators|test)\/[\w/.-]+\.(?:test|contract|scenario)\.ts)`/g)].map(
      ([, file = ""]) => ({ path, file }),
    ),
  );
  expect(named.length).toBeGreaterThan(30);
  const gone = named.filter(({ file }) => textOf(file) === "");
  expect(gone.map(({ path, file }) => `${path}: ${file}`)).toEqual([]);
});

// The compiler takes `for (const of of …)`, and Node, which runs the sources as they are, does not.
test("Node takes every source as it is", () => {
  const wrong = repositoryFiles().flatMap(({ path, text }) => {
    if (!path.endsWith(".ts")) return [];
    try {
      stripTypeScriptTypes(text);
      return [];
    } catch (error) {
      return [`${path}: ${error instanceof Error ? error.message : String(error)}`];
    }
  });
  expect(wrong).toEqual([]);
});
