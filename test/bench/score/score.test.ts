// Goal: N9. Estimates are better than naive answers, their bands hold, and rules find what was planted and nothing
// else.
// Method: a small share of `npm run bench -- score`, on simulated curves and on the real ones where they are there.
import { expect, test } from "vitest";
import { smartCityMetersAreThere, smartCityMetersSkipped } from "../../support/smart-city-meters.ts";
import { type Score, scoreAll } from "./score.bench.ts";

const score: Promise<Score> = scoreAll(4);

function expectGood(methods: Score["real"]): void {
  expect(methods.map(({ method }) => method)).toEqual([
    "ADU_PRIOR_PERIOD",
    "ADU_PRIOR_PERIOD with an outage",
    "ADU_PRIOR_YEAR",
    "ADU_PRIOR_YEAR with an outage",
    "ANNUAL_EXPECTED",
    "FLAT_BETWEEN",
    "FLAT_BETWEEN with an outage",
    "PROFILE_SCALED",
  ]);
  for (const { method, median, covered, naive } of methods) {
    expect(covered, method).toBeGreaterThanOrEqual(90);
    for (const error of Object.values(naive)) if (error !== undefined) expect(median, method).toBeLessThan(error);
  }
}

test("estimates on simulated curves", { timeout: 120_000 }, async () => {
  expectGood((await score).simulated);
});

test("estimates on real curves", { timeout: 120_000 }, async (context) => {
  if (!smartCityMetersAreThere) context.skip(smartCityMetersSkipped);
  expectGood((await score).real);
});

test("rules find what was planted, and nothing in a clean fleet", { timeout: 120_000 }, async () => {
  const { faults, falseAlarms, cleanReadings } = (await score).rules;
  for (const { name, planted, found, missed } of faults)
    expect({ name, found, missed }).toEqual({ name, found: planted, missed: 0 });
  // Not every fault shows in a month's sum; those that do are more than a few.
  expect(faults.filter(({ changing }) => changing > 0).length).toBeGreaterThanOrEqual(6);
  expect(cleanReadings).toBeGreaterThan(1000);
  expect(falseAlarms).toBe(0);
});
