import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["{packages,services,simulators}/**/*.test.ts", "test/*.test.ts"] } },
      {
        test: {
          name: "contracts",
          include: ["test/{contracts,invariants}/**/*.test.ts"],
          testTimeout: 30_000,
          globalSetup: "test/support/say-what-is-left-out.ts",
        },
      },
      {
        test: {
          name: "processes",
          include: ["test/{scenarios,faults,bench}/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          globalSetup: "test/support/say-what-is-left-out.ts",
        },
      },
    ],
  },
});
