import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { workerData } from "node:worker_threads";
import type { PersonalRead } from "@meterbook/core/ports/audit-log";
import { type AuditWrites, auditWrites } from "../../sqlite-views/audit-log/audit-table.ts";
import { floorOf } from "../database/floor-of.ts";
import { type OpenedAs, openedFile } from "../database/opened-file.ts";
import { serveWrites } from "../database/serve-writes.ts";
import { openAuditDatabase } from "./audit-database.ts";

export type AuditRequest =
  | { readonly kind: "put"; readonly reads: readonly PersonalRead[]; readonly forgetBeforeMs: number }
  | { readonly kind: "close" };

export interface AuditWriterData {
  readonly dataDir: string;
  readonly keptMax: number | undefined;
  /** The file that those who read have open. */
  readonly opened: OpenedAs;
}

interface Open {
  readonly database: DatabaseSync;
  readonly writes: AuditWrites;
  /** The first id that was never given, also where the file was lost. */
  readonly firstId: number;
}

const { dataDir, keptMax, opened } = workerData as AuditWriterData;

function connect(): Open {
  const database = openAuditDatabase(dataDir);
  return { database, writes: auditWrites(database, keptMax), firstId: floorOf(database) + 1 };
}

const file = openedFile(join(dataDir, "audit.db"), opened);

serveWrites<Open, AuditRequest>({ connect, file }, ({ database, writes, firstId }, { reads, forgetBeforeMs }): void => {
  database.exec("BEGIN IMMEDIATE");
  writes.add(reads, Math.max(firstId, writes.nextId()));
  writes.forget(forgetBeforeMs);
  database.exec("COMMIT");
});
