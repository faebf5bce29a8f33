import { contentHash } from "@meterbook/adapters/sqlite-views/ledger/ledger-record";
import { parsePeriod, type RegisterSnapshot, type SnapshotContent } from "@meterbook/core/domain/snapshot/snapshot";

export interface ApiVerified {
  readonly rows: number;
  /** `m-1/2026-10/2 …`, a line for each snapshot that does not give its hash. */
  readonly wrong: readonly string[];
}

const pageMax = 1000;
const waitMsMax = 60_000;

interface ApiRegister extends Omit<RegisterSnapshot, "readAt" | "before" | "after"> {
  readonly readAt: string | null;
  readonly evidence: { readonly before: ApiEvidence | null; readonly after: ApiEvidence | null };
}

interface ApiEvidence {
  readonly at: string;
  readonly value: number;
  readonly quality: "actual";
}

interface ApiSnapshot {
  readonly id: string;
  readonly meterId: string;
  readonly usagePointId: string;
  readonly period: string;
  readonly boundary: string;
  readonly hash: string;
  readonly registers: readonly ApiRegister[];
}

/**
 * Walks every issued revision that the API tells of and computes its hash from the answer alone
 * (docs/snapshot-hash.md).
 */
export async function verifyApi(url: string, key: string | undefined): Promise<ApiVerified> {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const wrong: string[] = [];
  let rows = 0;
  let cursor: string | undefined;
  do {
    const place = new URL("/v1/snapshots/changes", url);
    place.searchParams.set("limit", String(pageMax));
    if (cursor !== undefined) place.searchParams.set("after", cursor);
    const response = await fetch(place, { headers, signal: AbortSignal.timeout(waitMsMax) });
    if (!response.ok) throw new Error(`${place.href}: ${response.status} ${(await response.text()).slice(0, 500)}`);
    const page = (await response.json()) as { items: readonly ApiSnapshot[]; nextCursor?: string };
    for (const snapshot of page.items) {
      if (hashOfAnswer(snapshot) !== snapshot.hash)
        wrong.push(`${snapshot.id} hash_mismatch: the answer gives another hash`);
    }
    rows += page.items.length;
    cursor = page.items.length < pageMax ? undefined : page.nextCursor;
  } while (cursor !== undefined);
  return { rows, wrong };
}

function hashOfAnswer({ meterId, usagePointId, period, boundary, registers }: ApiSnapshot): string | undefined {
  const content: SnapshotContent = {
    meterId,
    usagePointId,
    period: parsePeriod(period) ?? 0,
    boundary: seconds(boundary),
    registers: registers.map(({ readAt, evidence, ...row }) => ({
      ...row,
      readAt: readAt === null ? null : seconds(readAt),
      before: evidenceOf(evidence.before),
      after: evidenceOf(evidence.after),
    })),
  };
  return contentHash(content);
}

function evidenceOf(given: ApiEvidence | null): RegisterSnapshot["before"] {
  return given === null ? null : { ...given, at: seconds(given.at) };
}

function seconds(text: string): number {
  return Date.parse(text) / 1000;
}
