import { contentHash, encodeLedgerRecord } from "@meterbook/adapters/sqlite-views/ledger/ledger-record";
import { leafHash } from "@meterbook/core/domain/seal/merkle-tree";
import type { KeptSeal } from "@meterbook/core/domain/seal/seal";
import type { Finding } from "@meterbook/core/domain/snapshot/finding";
import { parsePeriod, type RegisterSnapshot, type Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { sha256 } from "@meterbook/core/records/seal/sha256";
import { apiTrees } from "./api-trees.ts";
import { askApi } from "./ask-api.ts";
import { CommandError } from "./run-command.ts";
import { wrongApiSeals } from "./verify-api-seals.ts";

export interface ApiVerified {
  readonly rows: number;
  /** `m-1/2026-10/2 …`, a line for each snapshot that is not what was issued, and for each seal that does not fit. */
  readonly wrong: readonly string[];
}

const pageMax = 1000;

type Instant = "readAt" | "openingAt" | "from" | "to";

interface ApiRegister extends Omit<RegisterSnapshot, Instant | "before" | "after" | "findings"> {
  readonly readAt: string | null;
  readonly openingAt: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly findings: readonly (Omit<Finding, "at"> & { readonly at: string })[];
  readonly evidence: { readonly before: ApiEvidence | null; readonly after: ApiEvidence | null };
}

interface ApiEvidence {
  readonly at: string;
  readonly value: number;
  readonly quality: "actual";
}

interface ApiSnapshot extends Omit<Snapshot, "period" | "boundary" | "issuedAtMs" | "registers"> {
  readonly id: string;
  readonly period: string;
  readonly boundary: string;
  readonly issuedAt: string;
  readonly registers: readonly ApiRegister[];
  readonly shard?: number;
}

/**
 * Walks every issued revision that the API tells of. From the answers alone it computes the hash of each, and the trees
 * over their records (docs/snapshot-hash.md), and holds these against the seals.
 */
export async function verifyApi(
  url: string,
  key: string | undefined,
  kept: readonly KeptSeal[] = [],
): Promise<ApiVerified> {
  const ask = askApi(url, key);
  const trees = apiTrees();
  const wrong: string[] = [];
  let rows = 0;
  let cursor: string | undefined;
  do {
    const after = cursor === undefined ? "" : `&after=${encodeURIComponent(cursor)}`;
    const { status, body } = await ask(`/v1/snapshots/changes?limit=${pageMax}${after}`);
    const page = body as { items: readonly ApiSnapshot[]; nextCursor?: string } | undefined;
    if (status !== 200 || page?.items === undefined)
      throw new CommandError(
        `${url}/v1/snapshots/changes: ${status} ${JSON.stringify(body)?.slice(0, 500) ?? "no JSON"}`,
      );
    for (const item of page.items) {
      const snapshot = snapshotOf(item);
      if (contentHash(snapshot) !== item.hash) wrong.push(`${item.id} hash_mismatch: the answer gives another hash`);
      const record = recordOf(snapshot);
      if (record === undefined) wrong.push(`${item.id} record_unreadable: no record gives this answer`);
      trees.add(item.shard ?? 0, snapshot, leafHash(sha256, record ?? new Uint8Array()));
    }
    rows += page.items.length;
    cursor = page.items.length < pageMax ? undefined : page.nextCursor;
  } while (cursor !== undefined);
  for await (const line of wrongApiSeals(trees, ask, kept)) wrong.push(line);
  return { rows, wrong };
}

/** Undefined where a field is none that a snapshot can have. */
function recordOf(snapshot: Snapshot): Uint8Array | undefined {
  try {
    return encodeLedgerRecord(snapshot);
  } catch {
    return undefined;
  }
}

function snapshotOf({ period, boundary, issuedAt, registers, ...rest }: ApiSnapshot): Snapshot {
  const { usagePointId: place } = rest;
  return {
    ...rest,
    period: parsePeriod(period) ?? 0,
    boundary: seconds(boundary),
    issuedAtMs: Date.parse(issuedAt),
    registers: registers.map(({ usagePointId, readAt, openingAt, from, to, findings, evidence, ...row }) => ({
      ...row,
      usagePointId: usagePointId === place ? null : usagePointId,
      readAt: secondsOrNull(readAt),
      openingAt: secondsOrNull(openingAt),
      from: secondsOrNull(from),
      to: secondsOrNull(to),
      findings: findings.map(({ rule, at }) => ({ rule, at: seconds(at) })),
      before: evidenceOf(evidence.before),
      after: evidenceOf(evidence.after),
    })),
  };
}

function evidenceOf(given: ApiEvidence | null): RegisterSnapshot["before"] {
  return given === null ? null : { ...given, at: seconds(given.at) };
}

function secondsOrNull(text: string | null): number | null {
  return text === null ? null : seconds(text);
}

function seconds(text: string): number {
  return Date.parse(text) / 1000;
}
