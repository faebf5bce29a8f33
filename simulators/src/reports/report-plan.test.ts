// Goal: the plan of deliveries holds what was asked for: order, numbers, and faults at their rates.
import { expect, test, vi } from "vitest";
import type { FleetSettings, FleetSettingsInput } from "../meters/fleet-options.ts";
import { deliveryFaults, momentOf, readFleetOptions, valueFaults } from "../meters/fleet-options.ts";
import { localDays } from "../meters/local-days.ts";
import type { Delivery } from "./report-plan.ts";
import { due, heldDeliveries, noFaults, planDeliveries } from "./report-plan.ts";

// The machine may be busy with the other tests.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const zone = "Europe/Kyiv";
const calendar = localDays(zone);

function settingsOf(input: FleetSettingsInput): FleetSettings {
  const read = readFleetOptions({ zone, ...input });
  if ("problems" in read) throw new Error(read.problems.join("\n"));
  return read.settings;
}

function planOf(input: FleetSettingsInput, from = "2026-03", to = "2026-04") {
  const settings = settingsOf(input);
  const held = heldDeliveries();
  const counts = noFaults();
  const range = { from: momentOf(from, zone), to: momentOf(to, zone), reportEvery: settings.reportEvery };
  const deliveries = [
    ...planDeliveries(settings, calendar, range, held, counts),
    ...due(held, Number.POSITIVE_INFINITY),
  ];
  return { deliveries, counts, settings };
}

const ofMeter = (deliveries: readonly Delivery[], meter: number) =>
  deliveries.filter(({ report }) => report.meter === meter);

test.for([
  { reportEvery: 900 as const, reports: 31 * 96 - 4 + 1 },
  { reportEvery: 3600 as const, reports: 31 * 24 - 1 + 1 },
  { reportEvery: 86_400 as const, reports: 31 + 1 },
])(
  "without faults: every $reportEvery s, in order, numbered without gaps, from the first instant to the last",
  ({ reportEvery, reports }) => {
    const { deliveries } = planOf({ meters: 3, reportEvery });
    for (const meter of [0, 1, 2]) {
      const own = ofMeter(deliveries, meter).map(({ report }) => report);
      expect(own).toHaveLength(reports);
      expect(own[0]?.until).toBe(momentOf("2026-03", zone));
      expect(own.at(-1)?.until).toBe(momentOf("2026-04", zone));
      for (let i = 1; i < own.length; i += 1) {
        expect(own[i]?.after).toBe(own[i - 1]?.until);
        expect(own[i]?.sequence).toBe((own[i - 1]?.sequence ?? 0) + 1);
      }
    }
  },
);

test("a run that begins later plans the same reports with the same numbers and faults", () => {
  const faults = { meters: 20, reportEvery: 3600 as const, repeated: 0.1, lateHours: 0.1, wrong: 0.1 };
  const textOf = ({ report: { meter, until, sequence, value }, sendAt, as, fault }: Delivery) =>
    JSON.stringify({ meter, until, sequence, value, sendAt, as, fault });
  const whole = new Set(planOf(faults).deliveries.map(textOf));
  const later = planOf(faults, "2026-03-20T00:00:00+02:00", "2026-04").deliveries.filter(
    ({ report }) => report.until > momentOf("2026-03-20T00:00:00+02:00", zone),
  );
  expect(later.length).toBeGreaterThan(5000);
  expect(later.filter((delivery) => !whole.has(textOf(delivery)))).toEqual([]);
});

test("faults come at the rates that were asked for", () => {
  const rates = {
    lost: 0.02,
    repeated: 0.05,
    reordered: 0.03,
    lateHours: 0.04,
    lateDays: 0.01,
    malformed: 0.02,
    wrong: 0.03,
    conflicting: 0.02,
    estimated: 0.05,
  };
  const { counts, deliveries } = planOf({ meters: 40, reportEvery: 3600, ...rates });
  const reports = 40 * (31 * 24);
  for (const name of [...deliveryFaults, ...valueFaults]) expect(counts[name] / reports).toBeCloseTo(rates[name], 2);
  expect(deliveries).toHaveLength(reports - counts.lost + counts.repeated + counts.conflicting);
  const late = deliveries.filter(({ fault, as }) => fault === "lateHours" && as === "original");
  for (const { sendAt, report } of late)
    expect(sendAt - report.until).toSatisfy((s: number) => s >= 3600 && s <= 12 * 3600);
});

test("a meter's reports keep their order, but for reordered, late and repeated ones", () => {
  const { deliveries } = planOf({
    meters: 5,
    reportEvery: 3600,
    repeated: 0.1,
    reordered: 0.1,
    lateDays: 0.05,
    conflicting: 0.1,
  });
  let disordered = 0;
  for (let meter = 0; meter < 5; meter += 1) {
    const own = ofMeter(deliveries, meter);
    const punctual = own.filter(({ fault, as }) => as === "original" && fault !== "reordered" && fault !== "lateDays");
    for (let i = 1; i < punctual.length; i += 1)
      expect(punctual[i]?.report.until).toBeGreaterThan(punctual[i - 1]?.report.until as number);
    for (const [index, { report, as, fault }] of own.entries()) {
      if (as !== "original") expect(own.slice(0, index).some((earlier) => earlier.report === report)).toBe(true);
      if (fault === "reordered" && as === "original" && (own[index - 1]?.report.until ?? 0) > report.until)
        disordered += 1;
    }
  }
  expect(disordered).toBeGreaterThan(200);
});
