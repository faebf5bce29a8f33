import type { Subscription } from "@meterbook/core/ports/readings-log";
import type { Registry } from "@meterbook/core/ports/registry";
import type { SeriesStore } from "@meterbook/core/ports/series-store";
import type { MeterBook } from "./meter-book.ts";
import { firstPeriodOf } from "./meter-state.ts";
import type { PendingMeters } from "./pending-meters.ts";

type InTurn = (work: (book: MeterBook, pending: PendingMeters) => Promise<void>) => Promise<void>;

/** How far the registry was taken into account, in the store's notes. */
const note = "registry";

/**
 * Keeps master data in the book. A record that was not yet taken into account makes its meter pending from its first
 * period on: another zone, multiplier or installation can change every snapshot, and one that changes nothing issues
 * nothing.
 */
export async function followRegistry(registry: Registry, series: SeriesStore, inTurn: InTurn): Promise<Subscription> {
  let through = (await series.note(note)) ?? 0;
  return registry.follow((changes) =>
    inTurn(async (book, pending) => {
      const meters = changes.map(({ record, position }) => ({
        meter: book.register(record),
        isNew: position > through,
      }));
      const touched = meters
        .filter(({ isNew }) => isNew)
        .flatMap(({ meter }) => {
          const fromPeriod = firstPeriodOf(meter);
          return fromPeriod === undefined ? [] : [{ meter, meterId: meter.meterId, fromPeriod }];
        });
      through = Math.max(through, ...changes.map(({ position }) => position));
      await series.markPending(
        touched.map(({ meterId, fromPeriod }) => ({ meterId, fromPeriod })),
        { name: note, value: through },
      );
      for (const { meter, fromPeriod } of touched) pending.gather(meter, fromPeriod);
      pending.takeMarked();
    }),
  );
}
