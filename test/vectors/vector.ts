import { readdirSync, readFileSync } from "node:fs";

/** One case of an untidy world as data: what is known of meters, what they send, and what their months must say. */
export interface Vector {
  /** Of the list of cases, such as `C03`; with `name` it is the vector's id. */
  readonly case: string;
  readonly name: string;
  /** Why the expected numbers are right. */
  readonly why: string;
  /** `any`: whatever order the readings of a stage come in, the same months. */
  readonly order: "given" | "any";
  /** Master data by the vector's own name of the meter, as `PUT /v1/meters/{meterId}` takes them. */
  readonly meters: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Usage points by the vector's own name, as `PUT /v1/usage-points/{usagePointId}` takes them. */
  readonly points: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** By the vector's own name, as `PUT /v1/outages/{outageId}` takes them; usage points by the vector's own names. */
  readonly outages: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** One after the other; the months are closed after each. */
  readonly stages: readonly Stage[];
  /** After the last stage. */
  readonly expect: Expected;
}

export interface Stage {
  /** Master data that are sent before the readings. */
  readonly meters?: Vector["meters"];
  readonly outages?: Vector["outages"];
  readonly readings: readonly ReadingLine[];
  /** What operators decide when the readings of the stage are in. */
  readonly verdicts?: readonly VectorVerdict[];
  /** What must stand after this stage. */
  readonly expect?: Expected;
}

export interface VectorVerdict {
  /** The id of a reading without its meter, which is `m`. */
  readonly reading: string;
  readonly verdict: "accept" | "reject";
}

/** By the name of the meter; where a vector has one meter, it is `m`. */
export type Expected = Readonly<Record<string, ExpectedMeter>>;

export interface ExpectedMeter {
  /** By `YYYY-MM`: its rows, or null where no snapshot may stand. Only the fields that are named are compared. */
  readonly months?: Readonly<Record<string, readonly ExpectedRow[] | null>>;
  /** Months whose revision is the one that stood after the stage before. */
  readonly unchanged?: readonly string[];
  /** By month: what is in the reason of its newest revision. Of a process alone. */
  readonly reasons?: Readonly<Record<string, string>>;
  /** Consumption of several months of one register together. */
  readonly sums?: readonly { readonly months: readonly string[]; readonly consumption: number }[];
  readonly curves?: readonly ExpectedCurve[];
}

/**
 * A number, text or null; `{ about }`: within one base unit; `{ oneOf }`; `{ contains }`: among the array's elements;
 * `{ named }`: the vector's own name of a usage point.
 */
export type ExpectedRow = Readonly<Record<string, unknown>>;

export interface ExpectedCurve {
  readonly query: string;
  /** From, to, consumption. */
  readonly points: readonly (readonly [from: string, to: string, consumption: number | null])[];
}

/**
 * What a meter sends, in short: a single reading (`at`), every so often (`from`, `to`, `every`), or for each local day
 * (`days`). The amount is under the name of its unit. `step` makes it an interval, `rise` adds to a register each time.
 */
export interface ReadingLine {
  readonly meter?: string;
  readonly register?: string;
  readonly at?: string;
  readonly from?: string;
  readonly to?: string;
  readonly every?: number;
  readonly days?: readonly [first: string, last: string];
  readonly zone?: string;
  readonly step?: number | "day";
  readonly rise?: string;
  readonly quality?: string;
  readonly revision?: number;
  /** Of its report. */
  readonly flags?: readonly string[];
  /** Of its report: how many seconds the meter's clock is ahead of the time of sending. */
  readonly clockAhead?: number;
  /** The text of a whole JSON report instead; `@now` and some seconds stand for an instant from now. */
  readonly json?: string;
  readonly [unit: string]: unknown;
}

interface VectorFile {
  readonly case: string;
  readonly vectors: readonly (Omit<Vector, "case" | "order" | "meters" | "points" | "outages" | "stages" | "expect"> & {
    readonly order?: Vector["order"];
    readonly record?: Readonly<Record<string, unknown>>;
    readonly meters?: Vector["meters"];
    readonly points?: Vector["points"];
    readonly outages?: Vector["outages"];
    readonly stages?: readonly Stage[];
    readonly readings?: readonly ReadingLine[];
    readonly expect?: Expected;
    readonly months?: ExpectedMeter["months"];
    readonly sums?: ExpectedMeter["sums"];
    readonly curves?: ExpectedMeter["curves"];
    readonly unchanged?: ExpectedMeter["unchanged"];
  })[];
}

const folder = new URL("./cases/", import.meta.url);

/** All of `test/vectors/cases`, with what their files leave out. */
export function readVectors(): Vector[] {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort();
  return files.flatMap((name) => {
    const { case: of, vectors } = JSON.parse(readFileSync(new URL(name, folder), "utf8")) as VectorFile;
    return vectors.map((one) => {
      const { months, sums, curves, unchanged } = one;
      const ofM = { ...(months && { months }), ...(sums && { sums }), ...(curves && { curves }) };
      return {
        case: of,
        name: one.name,
        why: one.why,
        order: one.order ?? "any",
        meters: one.meters ?? (one.record === undefined ? {} : { m: one.record }),
        points: one.points ?? {},
        outages: one.outages ?? {},
        stages: one.stages ?? [{ readings: one.readings ?? [] }],
        expect: one.expect ?? { m: { ...ofM, ...(unchanged && { unchanged }) } },
      };
    });
  });
}

export function vectorId(vector: Vector): string {
  return `${vector.case}-${vector.name}`;
}
