import type { AggregatorPorts } from "@meterbook/aggregator/aggregate-readings";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { FollowOptions, RegistryChange } from "@meterbook/core/ports/registry";

/** A registry in a test's hand. */
export interface ScriptedRegistry {
  readonly port: AggregatorPorts["registry"];
  /** Every record, in order. */
  readonly records: readonly RegistryChange[];
  /** Puts a record, of which whoever follows hears with the next `tell` or start. */
  put(record: MeterRecord): void;
  /** Tells of the newest record. */
  tell(): Promise<void>;
  /** What is kept of a meter cannot be read any more. */
  damage(meterId: string): void;
}

type Follower = (changes: readonly RegistryChange[]) => Promise<void>;

export function scriptedRegistry(): ScriptedRegistry {
  const records: RegistryChange[] = [];
  let follower: Follower | undefined;
  return {
    port: {
      follow: async (changed: Follower, { asOf = 0 }: FollowOptions = {}) => {
        follower = changed;
        // Of each meter the newest as of then, and whatever came later, as a registry does.
        const before = records.filter(({ position }) => position <= asOf);
        const newest = new Map(before.map((change) => [change.meterId, change]));
        const told = [...newest.values(), ...records.slice(before.length)];
        if (told.length > 0) await changed(told);
        return { close: async () => undefined, caughtUp: async () => undefined };
      },
    } as AggregatorPorts["registry"],
    records,
    put: (record) => void records.push({ meterId: record.meterId, record, position: records.length + 1 }),
    tell: async () => follower?.(records.slice(-1)),
    damage(meterId) {
      records.forEach((change, index) => {
        if (change.meterId === meterId) records[index] = { ...change, record: undefined };
      });
    },
  };
}
