/** What an operator can know of ingest; `ingest-metrics.ts` turns it into metrics. */
export interface IngestEvents {
  messageKept(facts: { readings: number; rejections: number; bytes: number; seconds: number }): void;
  rejected(facts: { reason: string; meterId: string | null; detail: string }): void;
  keepFailed(facts: { error: unknown }): void;
}
