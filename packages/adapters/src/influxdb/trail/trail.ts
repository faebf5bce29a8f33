import { cellsChecksum } from "../../sqlite-views/file/row-checksum.ts";
import type { RowSeries } from "../client/influx-query.ts";

/**
 * `trail` points: each request of a partition's owner leaves one on the server that it goes to, numbered from 1 without
 * gaps. A single row of progress that is overwritten would hide what a restored server has lost; a missing number shows
 * it (docs/decisions/0011-how-a-store-is-watched.md).
 *
 * The points of an owner are a ring: all of them lie in the first week of 1970, as the rows of progress do.
 */
export const trailSlots = 256;
const rings = 2362;

/** Where the ring of an epoch begins, in seconds. */
function ringOf(epoch: number): number {
  return (epoch % rings) * trailSlots;
}

/** Owners of whom one may still be writing while the other begins must not share a ring. */
export function sharesRing(one: number, other: number): boolean {
  return ringOf(one) === ringOf(other);
}

/** How far a trail went on one server. */
export interface TrailEnd {
  readonly number: number;
  /** Numbers up to it of requests that failed: nobody knows whether the server has them, and nothing hangs on them. */
  readonly open: readonly number[];
}

/** What a request carries beside its lines. */
export interface TrailStep {
  readonly number: number;
  /** Lines, each with its end. */
  text(precision: "s" | "ns", note?: string): string;
  /** To be called when it is known what became of the request. */
  ended(outcome: "stored" | "unknown"): void;
}

/** The trail of one owner on one server. */
export interface Trail {
  step(): TrailStep;
  end(): TrailEnd;
  /** Requests since the last look that found all of them. */
  readonly unseen: number;
  /** What the server must have by now, asked before it is looked. */
  look(): TrailLook;
}

export interface TrailLook {
  /** As the tag has it. */
  readonly partition: string;
  /** Condition of a query for the points. */
  readonly where: string;
  /** Whether these rows have all that they must. */
  found(rows: readonly RowSeries[]): "sound" | "behind";
}

export function trail(partition: number, epoch: number): Trail {
  let last = 0;
  let seen = 0;
  const underWay = new Set<number>();
  /** Of requests that failed: their points go with the next request, so that no number is missing for ever. */
  const owed = new Set<number>();

  return {
    step() {
      last += 1;
      const number = last;
      const more = [...owed];
      underWay.add(number);
      for (const one of more) underWay.add(one);
      owed.clear();
      return {
        number,
        text: (precision, note) =>
          more.map((one) => trailLine(partition, epoch, one, precision)).join("") +
          trailLine(partition, epoch, number, precision, note),
        ended(outcome) {
          for (const one of [...more, number]) {
            underWay.delete(one);
            if (outcome === "unknown") owed.add(one);
          }
        },
      };
    },
    end: () => ({ number: last, open: [...owed] }),
    get unseen() {
      return last - seen;
    },
    look() {
      const [from, to] = [Math.max(seen, 1), last];
      const open = new Set([...underWay, ...owed]);
      return {
        partition: String(partition),
        where: `${ownRing(partition, epoch)} AND n >= ${from}`,
        found(rows) {
          const there = numbersIn(rows, epoch);
          for (let number = from; number <= to; number += 1) {
            if (!open.has(number) && !there.has(number)) return "behind";
          }
          // What is under way is looked for again.
          seen = Math.max(seen, Math.min(to, ...[...open].map((number) => number - 1)));
          return "sound";
        },
      };
    },
  };
}

function trailLine(partition: number, epoch: number, number: number, precision: "s" | "ns", note?: string): string {
  const at = ringOf(epoch) + (number % trailSlots);
  const field = note === undefined ? "" : `,note=${note}`;
  return `trail,part=${partition} e=${epoch}i,n=${number}i${field} ${at}${precision === "ns" && at > 0 ? "000000000" : ""}\n`;
}

export function isOfTrail(line: string): boolean {
  return line.startsWith("trail,");
}

/** All points of one owner. */
export function ownRing(partition: number, epoch: number): string {
  const from = ringOf(epoch);
  return `part = '${partition}' AND time >= ${from}s AND time < ${from + trailSlots}s AND e = ${epoch}`;
}

export function numbersIn(rows: readonly RowSeries[], epoch: number): Set<number> {
  const numbers = new Set<number>();
  for (const { columns, values } of rows) {
    const [n, e] = [columns.indexOf("n"), columns.indexOf("e")];
    for (const row of values) if (Number(row[e]) === epoch) numbers.add(Number(row[n]));
  }
  return numbers;
}

/**
 * What requests of the ring have noted, in no order. The point of a request without a note may still have the note that
 * was in its slot before.
 */
export function notesIn(rows: readonly RowSeries[]): string[] {
  return rows.flatMap(({ columns, values }) => {
    const note = columns.indexOf("note");
    return values.flatMap((row) => (typeof row[note] === "string" ? [row[note]] : []));
  });
}

/** A note with its checksum in front. */
export function sealedNote(note: object): string {
  const text = JSON.stringify(note);
  return cellsChecksum([text]).toString(16).padStart(8, "0") + text;
}

/** Undefined where a note is not as it was written. */
export function readNote(sealed: string): unknown {
  const text = sealed.slice(8);
  return Number.parseInt(sealed.slice(0, 8), 16) === cellsChecksum([text]) ? JSON.parse(text) : undefined;
}

/**
 * The first number that is missing up to an end; undefined if none is. Numbers older than the ring holds are not looked
 * for.
 */
export function firstMissing(there: ReadonlySet<number>, { number: end, open }: TrailEnd): number | undefined {
  const newest = Math.max(end, ...there);
  for (let number = Math.max(1, newest - trailSlots + 1); number <= end; number += 1) {
    if (!there.has(number) && !open.includes(number)) return number;
  }
  return undefined;
}
