import { baseUnits } from "@meterbook/core/domain/reading/reading";
import { masterDataCause } from "@meterbook/core/domain/registry/record-difference";
import type { RegisterSnapshot, Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { pointsOfSnapshot, snapshotId, snapshotQualities } from "@meterbook/core/domain/snapshot/snapshot";
import { formatInstantMs } from "@meterbook/core/domain/time/instant";
import type { Registry, VersionNote } from "@meterbook/core/ports/registry";
import { z } from "zod";
import { type SnapshotJson, snapshotJson } from "./snapshot-json.ts";

const amount = z.int().min(0).nullable();
const side = z.strictObject({ consumption: amount, value: amount, quality: z.enum(snapshotQualities) }).nullable();

/** What a revision changed against the one before it, and what came in between. */
export const revisionChangesSchema = z.strictObject({
  since: z.int().meta({ description: "The revision that it is compared with" }),
  cause: z.enum(["master-data", "readings"]).meta({ description: "By what was evaluated, as `reason` says it" }),
  masterData: z
    .array(
      z.strictObject({
        usagePointId: z.string().optional().meta({ description: "Of a usage point's record; else of the meter's" }),
        version: z.int(),
        recordedAt: z.string(),
        by: z.string(),
        reason: z.string(),
      }),
    )
    .meta({ description: "Versions of the records of the meter and its usage points since that revision" }),
  registers: z
    .array(
      z.strictObject({
        register: z.string(),
        unit: z.enum(baseUnits),
        before: side,
        after: side,
        difference: z.int().nullable().meta({ description: "Of the consumption; null where one of them is not known" }),
      }),
    )
    .meta({ description: "Only rows that differ" }),
});
type Changes = z.infer<typeof revisionChangesSchema>;

const versionsMax = 100;
const pointsMax = 16;

/** Each revision but the first with what it changed. Revisions come ascending. */
export async function withChanges(registry: Registry, revisions: readonly Snapshot[]): Promise<RevisionJson[]> {
  const [first] = revisions;
  if (first === undefined) return [];
  const notes = await notesOf(registry, first.meterId, revisions);
  return revisions.map((after, index) => {
    const before = revisions[index - 1];
    const next = revisions[index + 1];
    const shown = snapshotJson(after, next === undefined ? null : snapshotId(next));
    return before === undefined ? shown : { ...shown, changes: changesBetween(before, after, notes) };
  });
}

type Note = VersionNote & { readonly usagePointId?: string };

/** The meter's versions, and those of its usage points that are no part of the same changes. */
async function notesOf(registry: Registry, meterId: string, revisions: readonly Snapshot[]): Promise<readonly Note[]> {
  const own = await registry.versions({ kind: "meter", id: meterId }, { limit: versionsMax });
  const points = [...new Set(revisions.flatMap(pointsOfSnapshot))].slice(0, pointsMax);
  const others = await Promise.all(
    points.map(async (usagePointId) => {
      const notes = await registry.versions({ kind: "usage-point", id: usagePointId }, { limit: versionsMax });
      return notes.map((note): Note => ({ ...note, usagePointId }));
    }),
  );
  const known = new Set(own.map(({ recordedAtMs }) => recordedAtMs));
  return [...own, ...others.flat().filter(({ recordedAtMs }) => !known.has(recordedAtMs))];
}

type RevisionJson = SnapshotJson & { readonly changes?: Changes };

function changesBetween(before: Snapshot, after: Snapshot, notes: readonly Note[]): Changes {
  const masterData = notes
    .filter(({ recordedAtMs }) => recordedAtMs > before.issuedAtMs && recordedAtMs <= after.issuedAtMs)
    .map(({ usagePointId, version, recordedAtMs, by, reason }) => {
      const note = { version, recordedAt: formatInstantMs(recordedAtMs), by, reason };
      return usagePointId === undefined ? note : { usagePointId, ...note };
    });
  const cause = causeOf(after, masterData.length > 0);
  return { since: before.revision, cause, masterData, registers: changedRows(before.registers, after.registers) };
}

/** A revision of changed inputs says whether these were master data; of others the versions in between tell. */
function causeOf({ reason }: Snapshot, isRecordChanged: boolean): Changes["cause"] {
  const isSaid = reason.startsWith("inputs changed") || reason.includes(masterDataCause);
  const isByRecord = isSaid ? reason.includes(masterDataCause) : isRecordChanged;
  return isByRecord ? "master-data" : "readings";
}

function changedRows(before: readonly RegisterSnapshot[], after: readonly RegisterSnapshot[]): Changes["registers"] {
  const keyOf = ({ register, unit }: RegisterSnapshot) => `${register}|${unit}`;
  const [old, fresh] = [Map.groupBy(before, keyOf), Map.groupBy(after, keyOf)];
  return [...new Set([...old.keys(), ...fresh.keys()])].sort().flatMap((key) => {
    const [was, is] = [old.get(key) ?? [], fresh.get(key) ?? []];
    const count = Math.max(was.length, is.length);
    return Array.from({ length: count }, (_, index) => changedRow(was[index], is[index])).filter(
      (row) => row !== undefined,
    );
  });
}

function changedRow(
  before: RegisterSnapshot | undefined,
  after: RegisterSnapshot | undefined,
): Changes["registers"][number] | undefined {
  const [{ register, unit }] = [before ?? after] as [RegisterSnapshot];
  const [was, is] = [sideOf(before), sideOf(after)];
  if (JSON.stringify(was) === JSON.stringify(is)) return undefined;
  const [old, fresh] = [was?.consumption ?? null, is?.consumption ?? null];
  return { register, unit, before: was, after: is, difference: old === null || fresh === null ? null : fresh - old };
}

function sideOf(row: RegisterSnapshot | undefined): z.infer<typeof side> {
  return row === undefined ? null : { consumption: row.consumption, value: row.value, quality: row.quality };
}
