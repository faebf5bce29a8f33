import { rm } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { rebuildSeries } from "@meterbook/adapters/embedded/directory/repair-directory";
import type { LoggedReport } from "@meterbook/core/ports/readings-log";
import { checkFrame, encodeFrame } from "@meterbook/core/records/frame-protobuf";
import { decodeReport, encodeReport } from "@meterbook/intake/decoders/protobuf/meter-report-protobuf";

/**
 * Takes the reports of one meter that have a reading at an instant out of the log, and raises that reading in the
 * reports of another, with right checksums. No mere fault does that.
 */
export function changeLog(dataDir: string, at: number): { dropped: string; raised: string } {
  const [dropped, raised] = ["sim-000001", "sim-000002"];
  const database = new DatabaseSync(join(dataDir, "log.db"));
  const set = database.prepare("UPDATE frame SET body = ? WHERE position = ?");
  const change = (report: LoggedReport): LoggedReport[] => {
    const series = decodeReport(report.report, report.origin);
    if (!series.some((one) => one.at.includes(at))) return [report];
    if (report.meterId === dropped) return [];
    if (report.meterId !== raised) return [report];
    const higher = series.map((one) => ({
      ...one,
      value: one.value.map((value, i) => (one.at[i] === at ? value + 1 : value)),
    }));
    return [{ ...report, report: encodeReport({ meterId: report.meterId, series: higher }) }];
  };
  try {
    for (const { position, body } of database.prepare("SELECT position, body FROM frame").all()) {
      const { reports } = checkFrame(body as Uint8Array);
      set.run(encodeFrame(reports.flatMap(change)), Number(position));
    }
    return { dropped, raised };
  } finally {
    database.close();
  }
}

/** Loses the store and makes it again from the log, as `npm run repair -- --rebuild-series` does. */
export async function rebuildFromLog(dataDir: string): Promise<void> {
  for (const end of ["", "-wal", "-shm"]) await rm(join(dataDir, `series.db${end}`), { force: true });
  await rebuildSeries(dataDir, Date.now());
}
