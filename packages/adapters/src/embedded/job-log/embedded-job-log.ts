import type { JobLog } from "@meterbook/core/ports/job-log";
import { encodeJob, jobReads, jobSchema, jobWrites } from "../../sqlite-views/job-log/job-table.ts";
import { durableTransactions, openDurableDatabase } from "../database/durable-database.ts";

/** The job log in `<dataDir>/jobs.db`. Nothing depends on it: without it, nobody can ask what became of a job. */
export function openEmbeddedJobLog({ dataDir }: { readonly dataDir: string }): JobLog {
  const database = openDurableDatabase(dataDir, "jobs", jobSchema);
  const inTransaction = durableTransactions(database);
  const write = jobWrites(database);
  return {
    ...jobReads(database),
    worked: "by one process",
    put: async (job) => inTransaction(() => write(job, encodeJob(job))),
    close: async () => database.close(),
  };
}
