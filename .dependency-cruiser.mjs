import { readFileSync } from "node:fs";

// The layers of the design, as rules: domain <- ports <- adapters; services use core, sharding, intake and runtime;
// only a `main.ts` and services/standalone pick adapters. Tests are free to import what they test.

const tests = "\\.test\\.ts$|\\.contract\\.ts$";

/** Where processes and worker threads begin. */
const scripts = Object.values(JSON.parse(readFileSync("package.json", "utf8")).scripts);
const commands = scripts.flatMap((script) =>
  [...script.matchAll(/\bnode (\S+\.ts)\b/g)].map(([, file]) => `^${file}$`),
);
const entries = [...commands, "/src/main\\.tsx?$", "-thread\\.ts$"];

/** `name` says the rule in a few words; the gate prints it with the import that breaks it. */
function forbid(name, comment, from, to) {
  return { name, comment, severity: "error", from, to };
}

/** A package that only some folders may import. */
function onlyIn(name, modules, folders) {
  const places = folders.join(" and ");
  return forbid(
    `${name}-only-in-its-place`,
    `only ${places} may import ${name}`,
    { path: "^(packages|services|simulators|test)/", pathNot: folders.map((folder) => `^${folder}/`) },
    { path: modules },
  );
}

const npm = (names) => `(^|/)node_modules/(${names})(/|$)`;

export default {
  forbidden: [
    forbid("no-cycles", "two modules that need each other are one module", {}, { circular: true }),
    forbid("resolvable", "an import must lead somewhere", {}, { couldNotResolve: true }),
    forbid(
      "domain-is-pure",
      "core/domain imports core/domain and temporal-polyfill only, not even node:*",
      { path: "^packages/core/src/domain/", pathNot: tests },
      { pathNot: ["^packages/core/src/domain/", npm("temporal-polyfill|temporal-spec")] },
    ),
    forbid(
      "ports-import-core-only",
      "core/ports says what we need of the world and knows none of it",
      { path: "^packages/core/src/ports/", pathNot: tests },
      { pathNot: ["^packages/core/src/", "^packages/sharding/"] },
    ),
    forbid(
      "records-are-codecs",
      "core/records imports core, sharding, protobufjs, node:zlib and node:crypto only",
      { path: "^packages/core/src/records/", pathNot: tests },
      { pathNot: ["^packages/core/src/", "^packages/sharding/", npm("protobufjs|long"), "^(node:)?(zlib|crypto)$"] },
    ),
    forbid(
      "core-is-the-bottom",
      "core imports no other package of ours but sharding",
      { path: "^packages/core/", pathNot: tests },
      { path: "^packages/(?!core/|sharding/)" },
    ),
    forbid(
      "sharding-imports-nothing",
      "how meters are shared out is known to all and knows nobody",
      { path: "^packages/sharding/", pathNot: tests },
      { pathNot: "^packages/sharding/" },
    ),
    forbid(
      "intake-imports-core-only",
      "intake turns bytes into readings and asks nobody",
      { path: "^packages/intake/", pathNot: tests },
      { pathNot: ["^packages/(intake|core)/", npm("protobufjs|zod|long")] },
    ),
    forbid(
      "packages-do-not-import-services",
      "services use packages, never the other way round",
      { path: "^packages/" },
      { path: "^(services|simulators)/" },
    ),
    forbid(
      "adapters-import-core-only",
      "an adapter knows the core and its technology",
      { path: "^packages/adapters/", pathNot: tests },
      { path: "^packages/(?!core/|sharding/|adapters/)" },
    ),
    forbid(
      "adapters-do-not-mix",
      "a technology's folder can be deleted without touching another; meter-source chooses between two",
      { path: "^packages/adapters/src/([^/]+)/", pathNot: [tests, "^packages/adapters/src/meter-source/"] },
      {
        path: "^packages/adapters/src/",
        pathNot: [
          "^packages/adapters/src/$1/",
          "^packages/adapters/src/(report-batches|sqlite-views|certificates|mqtt-messages|waiting)/",
        ],
      },
    ),
    forbid(
      "runtime-imports-core-only",
      "runtime serves every process and knows none",
      { path: "^packages/runtime/", pathNot: tests },
      { path: "^packages/(?!core/|sharding/|runtime/)" },
    ),
    forbid(
      "only-main-picks-adapters",
      "a service speaks to ports; its main.ts and services/standalone choose what is behind them",
      { path: "^services/(?!standalone/)", pathNot: [tests, "/src/main\\.ts$"] },
      { path: "^packages/adapters/" },
    ),
    forbid(
      "services-do-not-import-each-other",
      "they meet in the log and in the store (standalone starts them all)",
      { path: "^services/(?!standalone/)([^/]+)/" },
      { path: "^services/", pathNot: "^services/$1/" },
    ),
    forbid(
      "simulators-stand-alone",
      "what checks the pipeline shares no code with it",
      { path: "^simulators/" },
      { path: "^(packages|services)/" },
    ),
    forbid(
      "no-test-code-in-production",
      "tests, fixtures and development packages stay out of what runs",
      { path: "^(packages|services|simulators)/", pathNot: [tests, "/fixtures/"] },
      { path: ["^test/", tests, "/fixtures/"] },
    ),
    forbid(
      "no-development-packages-in-production",
      "what runs may import `dependencies` only; the pages are built before they run",
      { path: "^(packages|services|simulators)/", pathNot: [tests, "/fixtures/", "^services/web/"] },
      { dependencyTypes: ["npm-dev"], pathNot: npm("@types") },
    ),
    forbid(
      "nothing-dead",
      "every module is reached from a main.ts or a thread, not only from its own test",
      { path: entries },
      {
        path: "^(packages|services|simulators)/",
        pathNot: [tests, "^services/web/[^/]+\\.mjs$", "\\.d\\.m?ts$", "/fixtures/", ...entries],
        reachable: false,
      },
    ),
    onlyIn("aedes", npm("aedes|aedes-persistence|mqtt-packet"), ["packages/adapters/src/mqtt-endpoint"]),
    onlyIn("mqtt", npm("mqtt"), ["packages/adapters/src/mqtt-broker", "simulators", "test"]),
    onlyIn("kafkajs", npm("kafkajs"), ["packages/adapters/src/kafka", "test"]),
    onlyIn("influxdb", npm("@influxdata"), ["packages/adapters/src/influxdb"]),
    onlyIn("sqlite", "^(node:)?sqlite$", [
      "packages/adapters/src/embedded",
      "packages/adapters/src/sqlite-views",
      "test",
    ]),
    onlyIn("hyparquet-writer", npm("hyparquet-writer"), ["services/api/src/http/tables"]),
    onlyIn("fastify", npm("fastify|@fastify|fastify-type-provider-zod"), ["services/api"]),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^services/web/(dist|public)" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
      extensions: [".ts", ".tsx", ".mjs", ".js", ".json", ".d.ts"],
    },
  },
};
