import type { DatabaseSync } from "node:sqlite";
import { installationsOf, pointsOf } from "@meterbook/core/domain/registry/installations";
import type { ChangeOutcome, EntityKey } from "@meterbook/core/domain/registry/master-data-change";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import { checkMeterRecord } from "@meterbook/core/records/meter-record-protobuf";
import type { SealedChange, SealedWrite } from "@meterbook/core/records/registry-change-protobuf";
import { cellsChecksum } from "../file/row-checksum.ts";
import { outageReach } from "./outage-reach.ts";
import { foldedSerial, kindNumber, recordColumns, recordRows, reversedName } from "./registry-table.ts";

/** Takes changes in, one after the other and inside the caller's transaction. The same changes give the same tables. */
export interface RegistryFold {
  take(change: SealedChange, position: number): ChangeOutcome;
  /** A change that cannot be read: of whom it speaks is known, and that nothing of them is known any more. */
  takeDamaged(entities: readonly EntityKey[], body: Uint8Array, position: number): void;
  /** Somebody has taken the entity out of the log by hand. */
  remove(entity: EntityKey, position: number): void;
}

interface NewVersion {
  readonly entity: EntityKey;
  readonly version: number;
  readonly body: Uint8Array | null;
}

type Source = Pick<SealedChange, "id" | "recordedAtMs" | "by" | "reason">;

const unknownSource: Source = { id: "", recordedAtMs: 0, by: "", reason: "" };

export function registryFold(database: DatabaseSync): RegistryFold {
  const rows = recordRows(database);
  const insert = database.prepare(
    `INSERT INTO record (${recordColumns.join(", ")}, body, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const nextNo = database.prepare("SELECT coalesce(max(no), 0) + 1 AS no FROM record");
  const install = database.prepare("INSERT OR IGNORE INTO installed (usage_point_id, meter_id) VALUES (?, ?)");

  const noteReach = outageReach(database);
  const noteEnding = database.prepare("INSERT OR IGNORE INTO ending (reversed, meter_id) VALUES (?, ?)");
  const label = database.prepare("INSERT OR IGNORE INTO serial (folded, meter_id) VALUES (?, ?)");

  function add({ entity, version, body }: NewVersion, position: number, from: Source): void {
    const no = Number(nextNo.get()?.["no"]);
    const cells = [no, position, kindNumber(entity.kind), entity.id, version];
    const row = [...cells, from.recordedAtMs, from.by, from.reason, from.id];
    insert.run(...row, body, cellsChecksum(row));
  }

  /** The version of each point grows at which a meter came, went, or was said to have done so otherwise. */
  function noteMoves(points: ReadonlySet<string>, written: ReadonlySet<string>, position: number, from: Source) {
    for (const id of points) {
      if (written.has(id)) continue;
      const entity: EntityKey = { kind: "usage-point", id };
      const known = rows.newest(entity);
      add({ entity, version: (known?.version ?? 0) + 1, body: known?.body ?? null }, position, from);
    }
  }

  function apply(change: SealedChange, position: number): void {
    const moved = new Set<string>();
    const written = new Set<string>();
    for (const { entity, body } of change.writes) {
      if (body === null) continue;
      const known = rows.newest(entity);
      const isSame = known?.body !== null && known?.body !== undefined && isEqual(known.body, body);
      // A point that is written beside others has a new version in any case: who relied on it hears of it.
      if (isSame && entity.kind === "meter") continue;
      add({ entity, version: (known?.version ?? 0) + 1, body }, position, change);
      noteReach(entity, body);
      if (entity.kind === "usage-point") written.add(entity.id);
      for (const point of place(entity, known?.body ?? null, body)) moved.add(point);
    }
    noteMoves(moved, written, position, change);
  }

  /**
   * Notes where the meter is. Answers the points at which that is another than before, but for one of the meter's own
   * name that nobody has spoken of: most meters have no other.
   */
  function place({ id, kind }: EntityKey, before: Uint8Array | null, body: Uint8Array): readonly string[] {
    if (kind !== "meter") return [];
    const after = meterIn({ id, kind }, body);
    if (after !== undefined) noteEnding.run(reversedName(id), id);
    if (after?.serialNumber !== undefined) {
      label.run(foldedSerial(after.serialNumber), id);
      noteEnding.run(reversedName(after.serialNumber), id);
    }
    for (const point of after === undefined ? [] : pointsOf(after)) if (point !== id) install.run(point, id);
    const isSpokenOf = (point: string) => point !== id || rows.newest({ kind: "usage-point", id: point }) !== undefined;
    return movedPoints(meterIn({ id, kind }, before), after).filter(isSpokenOf);
  }

  return {
    take(change, position) {
      const known = change.writes.map(({ entity }) => rows.newest(entity));
      if (isRepeated(change, known)) return { outcome: "applied" };
      for (const [index, { entity, base }] of change.writes.entries()) {
        const version = known[index]?.version ?? 0;
        if (base !== null && base !== version) return { outcome: "conflict", entity, version };
      }
      const isNew = change.writes.some(({ body }, index) => changes(body, known[index]?.body ?? null));
      if (!isNew) return { outcome: "unchanged" };
      apply(change, position);
      return { outcome: "applied" };
    },
    takeDamaged(entities, body, position) {
      for (const entity of entities)
        add({ entity, version: (rows.newest(entity)?.version ?? 0) + 1, body }, position, unknownSource);
    },
    remove(entity, position) {
      const known = rows.newest(entity);
      if (known !== undefined) add({ entity, version: known.version + 1, body: null }, position, unknownSource);
    },
  };
}

function meterIn(entity: EntityKey, body: Uint8Array | null): MeterRecord | undefined {
  return body === null ? undefined : checkMeterRecord(entity.id, body).record;
}

/** Points at which a meter's installations are others than before. */
function movedPoints(before: MeterRecord | undefined, after: MeterRecord | undefined): readonly string[] {
  const told = (record: MeterRecord | undefined, point: string) =>
    JSON.stringify(record === undefined ? [] : installationsOf(record).filter((one) => one.usagePointId === point));
  const points = new Set([before, after].flatMap((record) => (record === undefined ? [] : pointsOf(record))));
  return [...points].filter((point) => told(before, point) !== told(after, point));
}

/** A producer may write a change twice after an outage. */
function isRepeated({ id, writes }: SealedChange, known: readonly ({ changeId: string } | undefined)[]): boolean {
  const written = writes.map(({ body }, index) => (body === null ? undefined : known[index]?.changeId));
  return written.some((changeId) => changeId === id) && id !== "";
}

function changes(body: SealedWrite["body"], known: Uint8Array | null): boolean {
  return body !== null && (known === null || !isEqual(known, body));
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
