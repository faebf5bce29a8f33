import type { ChangeOutcome } from "@meterbook/core/domain/registry/master-data-change";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import { keepEarlier } from "@meterbook/core/domain/registry/short-form";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Registry } from "@meterbook/core/ports/registry";
import type { FieldError } from "../http/problems/problem.ts";

/** `fault`: the record contradicts what is known of the meter. `conflict`: it has another version by now. */
export type SetOutcome =
  | { readonly outcome: "stored" }
  | { readonly outcome: "fault"; readonly fault: FieldError }
  | { readonly outcome: "conflict"; readonly version: number };

export interface SetMeters {
  readonly by: string;
  /** The version that the records must be made from; any where absent. */
  readonly base?: number | undefined;
}

const attemptsMax = 10;

/** Sets whole records. Places where a meter was before stay, unless a record says otherwise. */
export async function setMeters(
  registry: Pick<Registry, "apply" | "meterVersion">,
  records: readonly MeterRecord[],
  { by, base }: SetMeters,
): Promise<readonly SetOutcome[]> {
  const outcomes = new Map<number, SetOutcome>();
  let left = records.map((record, index) => ({ record, index }));
  for (let attempt = 0; left.length > 0; attempt += 1) {
    const prepared = await Promise.all(left.map(({ record }) => prepare(registry, record, base)));
    const changes = prepared.flatMap((one) =>
      "fault" in one ? [] : [{ writes: [{ base: one.base, meter: one.record }] as const, by, reason: "" }],
    );
    const answered: ChangeOutcome[] = changes.length === 0 ? [] : [...(await registry.apply(changes))];
    left = left.filter(({ index }, i) => {
      const one = prepared[i];
      const outcome: SetOutcome =
        one !== undefined && "fault" in one ? { outcome: "fault", fault: one.fault } : setOutcome(answered.shift());
      outcomes.set(index, outcome);
      // Somebody was faster, or the meter is among these records twice: by what is known now.
      return outcome.outcome === "conflict" && base === undefined && attempt < attemptsMax;
    });
  }
  return records.map((_, index) => outcomes.get(index) as SetOutcome);
}

function setOutcome(answered: ChangeOutcome | undefined): SetOutcome {
  if (answered?.outcome === "conflict") return { outcome: "conflict", version: answered.version };
  return { outcome: "stored" };
}

async function prepare({ meterVersion }: Pick<Registry, "meterVersion">, record: MeterRecord, base?: number) {
  const known = await meterVersion(record.meterId).catch(ifDamaged);
  // Of a record that cannot be read nothing can be kept: this one stands in its place.
  if (known === "damaged") return { record, base: base ?? null };
  const kept = keepEarlier(record, known?.record ?? null);
  return "fault" in kept ? kept : { record: kept.record, base: base ?? known?.version ?? 0 };
}

export function ifDamaged(error: unknown): "damaged" {
  if (error instanceof AdapterError && error.code === "record_damaged") return "damaged";
  throw error;
}
