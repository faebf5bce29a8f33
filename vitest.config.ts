import { configDefaults, defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Much of what these do is waiting for servers and processes. Three at a time are too many for two cores: time-outs
 * pass.
 */
const atOnce = { maxWorkers: 2, sequence: { groupOrder: 0 } };
/** These start many processes each. */
const thereafter = { maxWorkers: 2, sequence: { groupOrder: 1 } };
/** Minutes of waiting for time-outs, beside which others can run. */
const longWaits = "test/faults/servers-away.test.ts";
/**
 * They judge by time what a process says while its neighbours take the machine. In CI an unlucky second gets one more
 * try, and the end of the run names the test: it is to be mended. All others, where a failure can mean a reading is
 * lost, have one try.
 */
const judgedByTime = [
  "services/api/src/registry/imports/import-limits.test.ts",
  "test/fuzz/time-per-byte.test.ts",
  "test/scenarios/asked-again.test.ts",
  ...[
    "behind-npm",
    "certificates",
    "compose-file",
    "containers",
    "documented-commands",
    "hostile-clients",
    "keys-not-json",
  ].map(faults),
  ...["late-refusals", "log-on-terminal", "servers-missing", "told-in-time"].map(faults),
];
const secondTry = { retry: process.env["CI"] === undefined ? 0 : 1 };
/** The longest of those that come after. */
const storm = "test/faults/storm.test.ts";

function faults(name: string): string {
  return `test/faults/${name}.test.ts`;
}

const processes = {
  testTimeout: 300_000,
  hookTimeout: 60_000,
  globalSetup: "test/support/servers/say-what-is-left-out.ts",
};

/** A poll ends as soon as it holds. On a busy machine a second is no time to judge by. */
const patience = {
  expect: { poll: { timeout: 30_000 } },
  setupFiles: ["test/support/patient-waits.ts", "test/support/same-worlds.ts"],
};

/** What waits for minutes begins first, so that everything else runs beside it. */
class LongWaitsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => moduleId.endsWith(longWaits) || moduleId.endsWith(storm);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongWaitsFirst },
    projects: [
      {
        test: {
          name: "unit",
          include: ["{packages,services,simulators}/**/*.test.ts", "test/*.test.ts", "test/{fuzz,storm}/*.test.ts"],
          exclude: [...configDefaults.exclude, ...judgedByTime],
          // A busy machine is no fault: what measures has its own bounds.
          testTimeout: 20_000,
          ...atOnce,
          ...patience,
        },
      },
      {
        test: {
          name: "contracts",
          include: ["test/{contracts,invariants,oracle,vectors,walk}/**/*.test.ts"],
          testTimeout: 60_000,
          globalSetup: "test/support/servers/say-what-is-left-out.ts",
          ...atOnce,
          ...patience,
        },
      },
      { test: { name: "waits", include: [longWaits], ...processes, ...secondTry, ...atOnce, ...patience } },
      {
        test: {
          name: "pages",
          include: ["test/web/*.test.ts"],
          ...processes,
          ...secondTry,
          globalSetup: ["test/support/servers/say-what-is-left-out.ts", "test/support/web/serve-pages.ts"],
          // One browser at a time: what is measured in one is not to wait for another.
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
          ...patience,
        },
      },
      {
        test: {
          name: "processes",
          include: ["test/{scenarios,faults,bench}/**/*.test.ts"],
          exclude: [longWaits, ...judgedByTime],
          ...processes,
          ...thereafter,
          ...patience,
        },
      },
      {
        test: {
          name: "timed",
          include: judgedByTime,
          ...processes,
          ...secondTry,
          // One at a time, when everything else has ended: what is measured has no neighbour.
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
          ...patience,
        },
      },
    ],
  },
});
