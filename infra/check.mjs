// The gate: format, lint, typed lint rules, types, layers, dead code, compose.yaml. Prints one line per step with its
// time, and the output of the steps that failed. `npm run check`, or `npm run check types layers` for some of the
// steps.
import { spawn, spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { installedServers } from "./servers/installed-servers.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const code = ["packages", "services", "simulators", "test"];

/** Undefined where there is none. */
const compose =
  spawnSync("docker", ["compose", "version"]).status === 0 ? "docker compose" : installedServers().compose;

/** `verify` looks at the output of a command that succeeded and answers what is wrong with it. Slowest first. */
const steps = [
  {
    name: "types",
    command:
      "tsc --project tsconfig.json --pretty false --incremental --tsBuildInfoFile .cache/types.tsbuildinfo && tsc --project services/web/tsconfig.json --pretty false",
  },
  { name: "layers", command: `depcruise --config .dependency-cruiser.mjs ${code.join(" ")}`, verify: cruisedAll },
  { name: "dead code", command: "knip --no-progress --no-config-hints" },
  { name: "typed lint", command: "oxlint --type-aware --deny-warnings", verify: lintedSome },
  {
    name: "format, lint",
    command: "biome check --error-on-warnings --diagnostic-level=warn --max-diagnostics=50 --colors=off .",
  },
  {
    name: "compose",
    command: `${compose} -f infra/compose.yaml --profile "*" config --quiet`,
    environment: { METERBOOK_INFLUX_TOKEN: "x", METERBOOK_COMPOSE_GRAFANA_PASSWORD: "x" },
  },
];

const wanted = process.argv.slice(2);
const possible = steps.filter(({ name }) => name !== "compose" || compose !== undefined);
const chosen =
  wanted.length === 0 ? possible : possible.filter(({ name }) => wanted.some((word) => name.includes(word)));
if (chosen.length === 0) {
  console.error(`no such step: ${wanted.join(" ")} (there are: ${steps.map(({ name }) => name).join("; ")})`);
  process.exit(1);
}

if (possible.length < steps.length)
  console.log("left out compose (to have it: npm run servers -- install compose, or Docker with its compose plugin)");

// The pages are checked against what the API says of itself now.
if (chosen.some(({ name }) => name.includes("typ"))) {
  const written = await run("node test/support/repository/api-types.ts");
  if (written.status !== 0) {
    console.error(`the types of the API could not be written\n${written.output}`);
    process.exit(1);
  }
}

const startedAtMs = performance.now();
const failed = await runAll(chosen, Math.max(2, availableParallelism()));
const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
for (const { name, output } of failed) console.log(`\n--- ${name}\n${output.trim()}`);
console.log(
  failed.length === 0 ? `check passed in ${seconds} s` : `\ncheck failed: ${failed.map(({ name }) => name).join("; ")}`,
);
process.exit(failed.length === 0 ? 0 : 1);

/** Runs the steps, so many at a time, and answers those that failed. */
async function runAll(all, atATime) {
  const waiting = [...all];
  const failures = [];
  async function worker() {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const result = await runStep(step);
      const verdict = result.ok ? "ok    " : "FAILED";
      console.log(`${verdict} ${step.name.padEnd(14)} ${(result.tookMs / 1000).toFixed(1).padStart(5)} s`);
      if (!result.ok) failures.push({ name: step.name, output: result.output });
    }
  }
  await Promise.all(Array.from({ length: atATime }, worker));
  return failures;
}

async function runStep({ command, environment, verify = () => undefined }) {
  const beganAtMs = performance.now();
  const { status, output } = await run(command, environment);
  const complaint = status === 0 ? verify(output) : undefined;
  return {
    ok: status === 0 && complaint === undefined,
    output: complaint === undefined ? output || `${command}: exit ${status}` : `${output}\n${complaint}`,
    tookMs: performance.now() - beganAtMs,
  };
}

function run(command, environment) {
  const path = [join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter);
  return new Promise((resolve) => {
    const child = spawn(command, {
      cwd: root,
      shell: true,
      env: { ...process.env, ...environment, PATH: path, NO_COLOR: "1" },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        output += text;
      });
    }
    child.on("error", (error) => resolve({ status: -1, output: error.message }));
    child.on("close", (status) => resolve({ status, output }));
  });
}

/** The tool reports success over zero modules when it cannot read TypeScript, so we count what it saw. */
function cruisedAll(output) {
  const [, modules, dependencies] = /\((\d+) modules, (\d+) dependencies cruised\)/.exec(output) ?? [];
  const files = sources().length;
  if (Number(modules) >= files && files > 0 && Number(dependencies) > 0) return undefined;
  return `the layers are unchecked: ${modules ?? 0} modules and ${dependencies ?? 0} dependencies seen of ${files} files`;
}

function lintedSome(output) {
  const [, files] = / on (\d+) files/.exec(output) ?? [];
  const present = sources().length;
  return Number(files) >= present ? undefined : `typed lint saw ${files ?? 0} of ${present} files`;
}

function sources() {
  const files = globSync(`{${code.join(",")}}/**/*.{ts,tsx}`, { cwd: root });
  return files.filter((file) => !/node_modules|\.d\.ts$/.test(file));
}
