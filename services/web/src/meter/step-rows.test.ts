import { expect, test } from "vitest";
import { curveOf } from "../curves/curve.ts";
import type { LoadedCurves } from "../curves/load-curves.ts";
import { fileQuery } from "./file-query.ts";
import { csvOf, ndjsonOf } from "./step-rows.ts";

const now = Date.parse("2026-11-01T00:00:00Z") / 1000;
const items = (values: readonly (number | null)[]) =>
  values.map((consumption, i) => ({
    from: `2026-10-0${i + 1}T21:00:00Z`,
    to: `2026-10-0${i + 2}T21:00:00Z`,
    consumption,
    quality: consumption === null ? "missing" : "actual",
  }));
const curve = (values: readonly (number | null)[], register = "1.8.0") =>
  curveOf({ meterId: "m-1", register, unit: "Wh", zone: "Europe/Kyiv", items: items(values) }, now);

const loaded: LoadedCurves = {
  curve: curve([10, null, 0]),
  exported: curve([1, 2, null], "2.8.0"),
  compared: [{ name: "month", curve: curve([7, 8, 9]), from: 0, to: 86_400 }],
  failed: [],
  resolution: "P1D",
  from: 172_800,
  to: 259_200,
};

test("a file of the API is asked for with the same curves", () => {
  expect(Object.fromEntries(new URLSearchParams(fileQuery(loaded)))).toEqual({
    series: "m-1/1.8.0,m-1/2.8.0,m-1/1.8.0/1970-01-01T00:00:00Z/1970-01-02T00:00:00Z",
    from: "1970-01-03T00:00:00Z",
    to: "1970-01-04T00:00:00Z",
    resolution: "P1D",
  });
});

test("a download has what is shown, with nothing where nothing is known", () => {
  expect(csvOf(loaded).split("\n")).toEqual([
    "meter_id,register,unit,from,to,consumption,quality,export,month_before",
    "m-1,1.8.0,Wh,2026-10-01T21:00:00Z,2026-10-02T21:00:00Z,10,actual,1,7",
    "m-1,1.8.0,Wh,2026-10-02T21:00:00Z,2026-10-03T21:00:00Z,,missing,2,8",
    "m-1,1.8.0,Wh,2026-10-03T21:00:00Z,2026-10-04T21:00:00Z,0,actual,,9",
    "",
  ]);
  const lines = ndjsonOf(loaded)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines[1]).toEqual({
    ...{ meterId: "m-1", register: "1.8.0", unit: "Wh" },
    ...{ from: "2026-10-02T21:00:00Z", to: "2026-10-03T21:00:00Z", consumption: null, quality: "missing" },
    export: 2,
    compared: { monthBefore: 8 },
  });
});
