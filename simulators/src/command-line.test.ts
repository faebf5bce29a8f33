import { expect, test } from "vitest";
import { helpText, readCommandLine } from "./command-line.ts";
import { fleetOptions, readFleetOptions } from "./meters/fleet-options.ts";

test("flags are options by name, numbers are numbers, ids of digits stay texts", () => {
  const { values, problems, help } = readCommandLine(fleetOptions, [
    "--report-every",
    "900",
    "--live",
    "--first-meter-id",
    "0001",
    "--lost=0.1",
    "--from",
    "2026-01",
  ]);
  expect({ values, problems, help }).toEqual({
    values: { reportEvery: 900, live: true, firstMeterId: "0001", lost: 0.1, from: "2026-01" },
    problems: [],
    help: false,
  });
  expect(readFleetOptions(values)).toHaveProperty("settings.firstMeterId", "0001");
});

test("every problem is named at once, as the user wrote it", () => {
  const { values, problems } = readCommandLine(fleetOptions, [
    "--meters",
    "many",
    "--wat",
    "--step",
    "foo",
    "--from",
    "--lost",
    "2",
  ]);
  const read = readFleetOptions(values);
  expect([...problems, ...("problems" in read ? read.problems : [])]).toEqual([
    "--wat is no option; --help lists them",
    "--from needs a value",
    "--meters must be a whole number from 1 to 100000",
    "--step must be one of 60, 180, 300, 900, 1800, 3600",
    "--lost must be a number from 0 to 1",
    "--lost, --repeated, --reordered, --late-hours, --late-days, --malformed must not exceed 1 together",
  ]);
});

test("the help names every option with its default", () => {
  const help = helpText(fleetOptions, "usage");
  for (const name of ["--url", "--report-every", "--late-hours", "--truth", "--help"]) expect(help).toContain(name);
  expect(help).toMatch(/--meters +how many meters \(100\)/);
});
