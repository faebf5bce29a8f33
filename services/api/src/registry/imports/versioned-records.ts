import type { EntityWrite } from "@meterbook/core/domain/registry/master-data-change";
import type { Registry } from "@meterbook/core/ports/registry";
import type { FieldError } from "../../http/problems/problem.ts";
import type { ImportSteps } from "./import-rows.ts";

/** A record as it was sent, or what is wrong with it. */
type Read<Item> = Item | { readonly errors: readonly FieldError[] };

/** Usage points and outages: each is read as the body of a call is, and a version it names must be the newest. */
export interface VersionedRecords<Item extends { readonly version: number | undefined }> {
  readonly idMember: string;
  readonly read: (sent: unknown) => Read<Item>;
  readonly write: (item: Item) => { readonly write: Unbased; readonly reason: string };
}

type Unbased = EntityWrite extends infer Each ? (Each extends unknown ? Omit<Each, "base"> : never) : never;

export function importSteps<Item extends { readonly version: number | undefined }>(
  { idMember, read, write }: VersionedRecords<Item>,
  { registry, by }: { readonly registry: Pick<Registry, "apply">; readonly by: string },
): Pick<ImportSteps<Item>, "judge" | "store"> {
  return {
    judge({ line, lines, record: sent, errors, placed = (error) => error }) {
      const named: unknown = Object(sent)[idMember];
      const id = typeof named === "string" ? named : null;
      if (sent === undefined) return { result: { line, lines, id: null, errors } };
      const found = read(sent);
      const all = [...errors, ...("errors" in found ? found.errors.map(placed) : [])];
      const result = { line, lines, id, errors: all };
      return "errors" in found || all.length > 0 ? { result } : { result, item: found };
    },
    async store(items) {
      const changes = items.map((item) => {
        const { write: written, reason } = write(item);
        return { writes: [{ base: item.version ?? null, ...written } as EntityWrite] as const, by, reason };
      });
      const outcomes = await registry.apply(changes);
      return outcomes.map((outcome) =>
        outcome.outcome === "conflict"
          ? [{ field: "version", message: `it has version ${outcome.version} now: read it again` }]
          : [],
      );
    },
  };
}
