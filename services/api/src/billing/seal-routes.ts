import { type InclusionPath, leafHash } from "@meterbook/core/domain/seal/merkle-tree";
import {
  hexOf,
  isUnderSeal,
  pathOfShard,
  rootOverShards,
  type Seal,
  type SealGrowth,
} from "@meterbook/core/domain/seal/seal";
import { type RevisionKey, revisionAt } from "@meterbook/core/domain/snapshot/revision-place";
import { periodName, snapshotId } from "@meterbook/core/domain/snapshot/snapshot";
import { formatInstantMs } from "@meterbook/core/domain/time/instant";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { sha256 } from "@meterbook/core/records/seal/sha256";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { answers } from "../http/documentation/documented.ts";
import { ApiProblem } from "../http/problems/problem.ts";
import { meterId, period, readAs, wholeNumber } from "../http/requests/query-schemas.ts";

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);
const hashExample = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";

const shardSchema = z
  .strictObject({
    shard: count,
    size: count.meta({ description: "How many records of the period stand under it" }),
    root: hash,
    sealedAt: z.string().meta({ format: "date-time" }),
  })
  .meta({ id: "ShardSeal" });

const grownSchema = shardSchema
  .extend({
    before: z
      .strictObject({
        size: count,
        root: hash,
        sealedAt: z.string().meta({ format: "date-time" }),
        path: z.array(hash),
      })
      .optional()
      .meta({
        description:
          "The seal that this one has followed, and the consistency proof between them (RFC 9162, 2.1.4): nothing that was under it was changed",
      }),
  })
  .meta({ id: "GrownShardSeal" });

export const sealSchema = z
  .strictObject({
    period: z.string(),
    root: hash.meta({ description: "Over the shards' seals (docs/snapshot-hash.md)" }),
    records: count.meta({ description: "Issued revisions of the period" }),
    unsealed: count.meta({ description: "Those that were issued after the newest seal of their shard" }),
    shards: z.array(grownSchema),
  })
  .meta({ id: "PeriodSeal" });

const pathSchema = z.strictObject({ index: count, size: count, path: z.array(hash) });

export const proofSchema = z
  .strictObject({
    id: z.string(),
    record: z.string().meta({ description: "The whole record of the ledger, `meterbook.v1.Snapshot`, in base64" }),
    leaf: hash.meta({ description: "SHA-256 of a byte 0 and the record" }),
    inShard: pathSchema.meta({ description: "The way from the leaf to the root of the shard" }),
    shard: shardSchema,
    overShards: pathSchema.meta({ description: "The way from the shard's seal to the root over all" }),
    root: hash,
  })
  .meta({ id: "InclusionProof" });

const shardExample = { shard: 3, size: 65_000, root: hashExample, sealedAt: "2026-11-03T22:10:00Z" };
const before = { size: 64_000, root: hashExample, sealedAt: "2026-11-02T22:10:00Z", path: [hashExample] };
const sealExample = {
  period: "2026-10",
  root: hashExample,
  records: 65_001,
  unsealed: 1,
  shards: [{ ...shardExample, before }],
};
const proofExample = {
  ...{ id: "m-1/2026-10/2", record: "CgNtLTE…", leaf: hashExample, root: hashExample, shard: shardExample },
  inShard: { index: 17, size: 65_000, path: [hashExample] },
  overShards: { index: 0, size: 1, path: [] },
};

export function sealRoutes(app: Api, { ports }: ApiContext): void {
  const read = {
    tags: ["billing"],
    summary: "The seal of a period: Merkle roots over its issued records, of each shard and over all",
    description:
      "Keep the root where nobody who can write to Meterbook can: `npm run verify -- --seals` compares it later.",
    params: z.strictObject({ period }),
    querystring: z.strictObject({}),
    response: answers("The seal", sealSchema, sealExample, ["period_invalid", "seal_unknown"]),
  };
  app.get("/v1/periods/:period/seal", { schema: read }, async (request) => {
    const of = request.params.period;
    const { seals, records } = await ports.snapshots.seals(of);
    if (seals.length === 0)
      throw unsealed(`period ${periodName(of)} has no seal yet; it has ${records} issued records`);
    const sealed = seals.reduce((sum, { size }) => sum + size, 0);
    const root = hexOf(rootOverShards(sha256, seals));
    const growth = await ports.snapshots.sealGrowth(of);
    const shards = seals.map((seal) => ({ ...sealJson(seal), ...beforeJson(seal, growth) }));
    return { period: periodName(of), root, records, unsealed: records - sealed, shards };
  });
  proofRoutes(app, ports.snapshots);
}

function proofRoutes(app: Api, snapshots: SnapshotView): void {
  const keyOf = (text: string) => revisionAt(text.replace("/", " ").replace("/", " revision "));
  const id = readAs(keyOf, "an id of a snapshot, such as m-1/2026-10/2", { examples: ["m-1/2026-10/2"] });
  const schema = {
    tags: ["billing"],
    summary: "The proof that a snapshot stands under the seal of its period",
    description: "The slashes of the id may be sent as they are, or as %2F. docs/snapshot-hash.md shows the check.",
    querystring: z.strictObject({}),
    response: answers("The proof", proofSchema, proofExample, ["revision_unknown", "seal_unknown", "record_damaged"]),
  };
  app.get("/v1/snapshots/:id/proof", { schema: { ...schema, params: z.strictObject({ id }) } }, (request) =>
    proofOf(snapshots, request.params.id),
  );
  const parts = z.strictObject({ id: meterId, period, revision: wholeNumber(1, 1_000_000, {}) });
  app.get(
    "/v1/snapshots/:id/:period/:revision/proof",
    { schema: { ...schema, params: parts, hide: true } },
    (request) => {
      const { id: meter, ...rest } = request.params;
      return proofOf(snapshots, { meterId: meter, ...rest });
    },
  );
}

async function proofOf(snapshots: SnapshotView, key: RevisionKey): Promise<z.infer<typeof proofSchema>> {
  const id = snapshotId(key);
  const sealed = await snapshots.sealedRecord(key);
  if (sealed === undefined) throw new ApiProblem("revision_unknown", `there is no snapshot ${id}`);
  if (sealed === "unsealed") throw unsealed(`${id} was issued after the newest seal of its shard`);
  const { record, inShard, seal } = sealed;
  if (!isUnderSeal(sha256, sealed)) {
    const detail = `${id}, or a record beside it, is not the one that was sealed; npm run verify names it`;
    throw new ApiProblem("record_damaged", detail);
  }
  const { seals } = await snapshots.seals(key.period);
  // A seal may have come since.
  const all = seals.map((one) => (one.shard === seal.shard ? seal : one));
  return {
    id,
    record: Buffer.from(record).toString("base64"),
    leaf: hexOf(leafHash(sha256, record)),
    inShard: pathJson(inShard),
    shard: sealJson(seal),
    overShards: pathJson(pathOfShard(sha256, all, seal.shard)),
    root: hexOf(rootOverShards(sha256, all)),
  };
}

function unsealed(detail: string): ApiProblem {
  return new ApiProblem("seal_unknown", detail);
}

function sealJson({ shard, size, root, sealedAtMs }: Seal): z.infer<typeof shardSchema> {
  return { shard, size, root, sealedAt: formatInstantMs(sealedAtMs) };
}

/** A seal may have come since: then there is no word of the one before. */
function beforeJson(seal: Seal, growth: readonly SealGrowth[]): Pick<z.infer<typeof grownSchema>, "before"> {
  const found = growth.find((one) => one.seal.shard === seal.shard && one.seal.size === seal.size);
  if (found === undefined) return {};
  const { size, root, sealedAtMs } = found.before;
  return { before: { size, root, sealedAt: formatInstantMs(sealedAtMs), path: found.path.map(hexOf) } };
}

function pathJson({ index, size, path }: InclusionPath): z.infer<typeof pathSchema> {
  return { index, size, path: path.map(hexOf) };
}
