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

/**
 * In file order. Where a label occurs twice (the clock stood still for an hour when daylight saving began), the second
 * one really was an hour later: the running number beside it says so.
 */
export async function readHalfHours(): Promise<HalfHour[]> {
  const text = (await promisify(gunzip)(await readFile(`${folder}intervals-dev-10-meters.csv.gz`))).toString();
  const seen = new Map<string, number>();
  return text
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [meterId = "", time = "", key = "", , kwh = ""] = line.split(",");
      const label = Date.parse(`${time.replace(" ", "T")}+10:00`) / 1000;
      const earlier = seen.get(`${meterId}/${label}`);
      seen.set(`${meterId}/${label}`, Number(key));
      const slipped = earlier === undefined ? 0 : ((Number(key) - earlier) / 3) * 1800;
      return { meterId, label, at: label + slipped, wattHours: Math.round(Number(kwh) * 1000) };
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
export function collisions(halfHours: readonly HalfHour[]): { meterId: string; label: number; first: number; second: number }[] {
  const byLabel = new Map<string, HalfHour>();
  return halfHours.flatMap((one) => {
    const key = `${one.meterId}/${one.label}`;
    const first = byLabel.get(key);
    if (first === undefined) byLabel.set(key, one);
    if (first === undefined || first.wattHours === one.wattHours) return [];
    return [{ meterId: one.meterId, label: one.label, first: first.wattHours, second: one.wattHours }];
  });
}
