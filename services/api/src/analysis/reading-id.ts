import { isId } from "@meterbook/core/domain/reading/identifiers";
import type { Channel, Kind, Reading } from "@meterbook/core/domain/reading/reading";
import { kinds } from "@meterbook/core/domain/reading/reading";
import { formatInstant, parseInstantMs } from "@meterbook/core/domain/time/instant";
import { requestInvalid } from "../http/problems/problem.ts";

/** What the id of a reading says: `meterId/register/kind/step/at/value`. */
export interface NamedReading {
  readonly meterId: string;
  readonly register: string;
  readonly kind: Kind;
  readonly stepSeconds: number;
  readonly at: number;
  readonly value: number;
}

export function readingId(meterId: string, { register, kind, stepSeconds }: Channel, { at, value }: Reading): string {
  return [meterId, register, kind, kind === "interval" ? stepSeconds : 0, formatInstant(at), value].join("/");
}

/** @throws ApiProblem `request_invalid` */
export function namedReading(id: string): NamedReading {
  const [meterId = "", register = "", kind, step = "", instant = "", value = "", ...more] = id.split("/");
  const at = (parseInstantMs(instant) ?? Number.NaN) / 1000;
  const isWhole = /^\d{1,16}$/.test(value) && /^\d{1,7}$/.test(step);
  const known = kinds.find((one) => one === kind);
  if (!isId(meterId) || !Number.isInteger(at) || !isWhole || known === undefined || more.length > 0) {
    const message = "must be meterId/register/kind/step/at/value, as the list of readings says it";
    throw requestInvalid([{ field: "id", message }]);
  }
  return { meterId, register, kind: known, stepSeconds: Number(step), at, value: Number(value) };
}
