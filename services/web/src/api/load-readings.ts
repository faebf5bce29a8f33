import { allPages } from "./all-pages.ts";
import { api, ask, type Schemas } from "./client.ts";

type Reading = Schemas["Reading"];

interface ReadingsCall {
  readonly meterId: string;
  readonly register: string;
  /** As the API takes it; `to` is not included. */
  readonly from: string;
  readonly to: string;
}

interface LoadedReadings {
  readonly items: readonly Reading[];
  readonly isCut: boolean;
}

/** Of a longer time single readings are not listed: they could not be told apart. */
export const readingSecondsMax = 8 * 86_400;

/** The stored readings of a register, of both kinds, the oldest first. */
export function loadReadings(call: ReadingsCall, readingsMax: number, signal: AbortSignal): Promise<LoadedReadings> {
  const { meterId, ...range } = call;
  return allPages((page) => {
    const params = { path: { meterId }, query: { ...range, ...page } };
    return ask(api.GET("/v1/meters/{meterId}/readings", { params, signal }));
  }, readingsMax);
}
