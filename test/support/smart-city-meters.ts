import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

const folder = fileURLToPath(new URL("../../../shared/data/sgsc-10-meters/", import.meta.url));

/** Ten meters of the Smart-Grid Smart-City trial, half-hourly; not part of this repository. */
export const smartCityMetersAreThere = existsSync(`${folder}intervals-dev-10-meters.csv.gz`);

export const smartCityMetersSkipped =
  "the readings of the Smart-Grid Smart-City trial are not beside this checkout (../shared/data/sgsc-10-meters)";

/** One half hour. `label` is what the meter's clock said (UTC+10), `at` when it really ended; seconds UTC. */
export interface HalfHour {
  readonly meterId: string;
  readonly label: number;
  readonly at: number;
  readonly wattHours: number;
}

export interface ExpectedMonth {
  readonly meterId: string;
  readonly month: string;
  readonly rows: number;
  readonly distinctLabels: number;
  readonly slots: number;
  readonly wattHours: number;
  readonly wattHoursFirstWins: number;
}

const halfHour = 1800;
const slipSeconds = 3600;
/** The running number beside each label counts so much per half hour. */
const keysPerHalfHour = 3;

/**
 * In file order. Where labels occur twice the meter's clock stood still for an hour (mostly when daylight saving began)
 * and stayed behind until it skipped one; the running number says which of two came first.
 */
export async function readHalfHours(): Promise<HalfHour[]> {
  const text = (await promisify(gunzip)(await readFile(`${folder}intervals-dev-10-meters.csv.gz`))).toString();
  const clocks = new Map<string, { label: number; key: number; behind: number }>();
  return text
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [meterId = "", time = "", keyText = "", , kwh = ""] = line.split(",");
      const label = Date.parse(`${time.replace(" ", "T")}+10:00`) / 1000;
      const key = Number(keyText);
      const before = clocks.get(meterId);
      const repeated = before !== undefined && label === before.label;
      const skipped = before !== undefined && label - before.label > halfHour;
      const behind = repeated ? slipSeconds : skipped ? 0 : (before?.behind ?? 0);
      clocks.set(meterId, { label, key, behind });
      // Of two pairs in a row the second label's first reading stands behind the first label's second.
      const cameFirst = before !== undefined && key === before.key - keysPerHalfHour;
      return { meterId, label, at: label + (cameFirst ? 0 : behind), wattHours: Math.round(Number(kwh) * 1000) };
    });
}

export async function readExpectedMonths(): Promise<ExpectedMonth[]> {
  const text = await readFile(`${folder}expected-monthly-energy-dev.csv`, "utf8");
  return text
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [meterId = "", month = "", rows, distinct, , all, , first, , slots] = line.split(",");
      const numbers = [rows, distinct, slots, all, first].map(Number) as [number, number, number, number, number];
      const [rowCount, distinctLabels, slotCount, wattHours, wattHoursFirstWins] = numbers;
      return { meterId, month, rows: rowCount, distinctLabels, slots: slotCount, wattHours, wattHoursFirstWins };
    });
}

/** Pairs of readings under one label whose values differ: what must come out as conflicts. */
export function collisions(
  halfHours: readonly HalfHour[],
): { meterId: string; label: number; first: number; second: number }[] {
  const byLabel = new Map<string, HalfHour>();
  return halfHours.flatMap((one) => {
    const key = `${one.meterId}/${one.label}`;
    const first = byLabel.get(key);
    if (first === undefined) byLabel.set(key, one);
    if (first === undefined || first.wattHours === one.wattHours) return [];
    return [{ meterId: one.meterId, label: one.label, first: first.wattHours, second: one.wattHours }];
  });
}
