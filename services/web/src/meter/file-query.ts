import type { LoadedCurves } from "../curves/load-curves.ts";
import { isoOf } from "../time/iso.ts";

/** Which curves are shown, as `GET /v1/curves` is asked for them. */
export function fileQuery({ curve, exported, compared, resolution, from, to }: LoadedCurves): string {
  const shown = [curve, ...(exported === undefined ? [] : [exported])].map(
    ({ meterId, register }) => `${meterId}/${register}`,
  );
  const beside = compared.map(({ name, curve: { meterId, register }, ...range }) =>
    typeof name === "string"
      ? `${meterId}/${register}/${isoOf(range.from)}/${isoOf(range.to)}`
      : `${meterId}/${register}`,
  );
  const query = { series: [...shown, ...beside].join(","), from: isoOf(from), to: isoOf(to), resolution };
  return new URLSearchParams(query).toString();
}
