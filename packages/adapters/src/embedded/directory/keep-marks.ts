import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "@meterbook/core/ports/clock";
import { type FileName, factsOfFile, fileNamesOf, openToRead, pathOf } from "./directory-files.ts";
import { openMarks } from "./directory-marks.ts";
import { settleFile } from "./inspect-directory.ts";

/** What is written after the last mark before a power cut is what a start cannot miss. */
const everyMs = 1000;

/**
 * Notes in `directory.db` how far the files are, while the process runs and when it stops. Only what is durable is
 * read: the files are written with a sync at every commit, before which no reader sees it. The series store is not, and
 * is not compared: what it loses in a power cut, the log gives again.
 */
export function keepMarks(dataDir: string, clock: Clock): { close(): void } {
  const marks = openMarks(dataDir, () => {
    throw new Error("the data directory was not prepared");
  });
  const files = new Map<FileName, DatabaseSync>(
    fileNamesOf(marks.known().shards).map((name) => [name, openToRead(pathOf(dataDir, name))]),
  );
  let noted = "";

  function note(): void {
    const facts = new Map([...files].map(([name, database]) => [name, factsOfFile(name, database)] as const));
    const text = JSON.stringify([...facts]);
    if (text === noted) return;
    marks.raise(facts, clock.nowMs());
    noted = text;
  }

  /** A disk without room or a locked file is told by those who write to them; the mark comes later. */
  function attempt(work: () => void): void {
    try {
      work();
    } catch {
      noted = "";
    }
  }

  attempt(note);
  const timer = setInterval(() => attempt(note), everyMs);
  timer.unref();
  return {
    close() {
      clearInterval(timer);
      attempt(note);
      for (const [name, database] of files) {
        database.close();
        // Who reads leaves the write-ahead log behind; after a stop the files alone are all there is to copy.
        attempt(() => settleFile(pathOf(dataDir, name)));
      }
      marks.close();
    },
  };
}
