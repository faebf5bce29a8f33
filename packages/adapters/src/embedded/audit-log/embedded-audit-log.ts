import { join } from "node:path";
import type { AuditLog } from "@meterbook/core/ports/audit-log";
import { auditReads } from "../../sqlite-views/audit-log/audit-table.ts";
import { openedAs } from "../database/opened-file.ts";
import { writerThread } from "../database/writer-thread.ts";
import { openAuditDatabase } from "./audit-database.ts";
import type { AuditRequest, AuditWriterData } from "./audit-log-thread.ts";

export interface EmbeddedAuditLogOptions {
  readonly dataDir: string;
  readonly retentionDays: number;
  readonly nowMs: () => number;
  /** Where fewer are kept than usual. */
  readonly keptMax?: number;
}

const dayMs = 86_400_000;

/** The audit log in `<dataDir>/audit.db`. A thread of its own writes, so that no answer waits for a disk. */
export function openEmbeddedAuditLog({ dataDir, retentionDays, nowMs, keptMax }: EmbeddedAuditLogOptions): AuditLog {
  const database = openAuditDatabase(dataDir);
  const data: AuditWriterData = { dataDir, keptMax, opened: openedAs(join(dataDir, "audit.db")) };
  const module = new URL("./audit-log-thread.ts", import.meta.url);
  const writer = writerThread<AuditRequest>(module, { name: "audit-log", data });
  const list = auditReads(database);
  return {
    put: (reads) => writer.ask({ kind: "put", reads, forgetBeforeMs: nowMs() - retentionDays * dayMs }),
    list: async (question) => list(question),
    async close() {
      await writer.close();
      database.close();
    },
  };
}
