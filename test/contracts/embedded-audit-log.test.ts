import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openEmbeddedAuditLog } from "@meterbook/adapters/embedded/audit-log/embedded-audit-log";
import { encodeRead } from "@meterbook/adapters/sqlite-views/audit-log/audit-table";
import { describe } from "vitest";
import { flippedBit } from "../support/flipped-bit.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { auditLogContract } from "./audit-log.contract.ts";

const nowMs = 1_793_484_000_000;

describe("embedded", () => {
  auditLogContract(async () => {
    const dataDir = await temporaryDirectory();
    const retentionDays = 30;
    const open = async (options = {}) =>
      openEmbeddedAuditLog({ dataDir, retentionDays, nowMs: () => nowMs, ...options });
    return {
      nowMs,
      retentionDays,
      open,
      async putDamaged(read) {
        const log = await open();
        await log.put([read]);
        await log.close();
        const database = new DatabaseSync(join(dataDir, "audit.db"));
        const change = "UPDATE personal_read SET body = ? WHERE id = (SELECT max(id) FROM personal_read)";
        database.prepare(change).run(flippedBit(encodeRead(read)));
        database.close();
      },
    };
  });
});
