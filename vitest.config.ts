import { defineConfig } from "vitest/config";

/** Much of what these do is waiting for servers and processes. */
const atOnce = { maxWorkers: 2, sequence: { groupOrder: 0 } };
/** These measure time, or need the machine for themselves. */
const oneByOne = { fileParallelism: false, sequence: { groupOrder: 1 } };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["{packages,services,simulators}/**/*.test.ts", "test/*.test.ts"],
          ...atOnce,
        },
      },
      {
        test: {
          name: "contracts",
          include: ["test/{contracts,invariants}/**/*.test.ts"],
          testTimeout: 30_000,
          globalSetup: "test/support/say-what-is-left-out.ts",
          ...atOnce,
        },
      },
      {
        test: {
          name: "processes",
          include: ["test/{scenarios,faults,bench}/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 60_000,
          globalSetup: "test/support/say-what-is-left-out.ts",
          ...oneByOne,
        },
      },
    ],
  },
});
